"""The ledger of purchase orders: reads them, finds them, adds them up."""

import csv
import dataclasses
import decimal
import pathlib
import re

ORDER_NUMBER = re.compile(r"PO-(\d{4})-(\d{4})")


class AmountError(ValueError):
    """An amount that can be read in two ways."""


@dataclasses.dataclass(frozen=True)
class OrderRow:
    number: str
    supplier: str
    goods: str
    due: str
    state: str

    @property
    def year(self):
        return int(ORDER_NUMBER.fullmatch(self.number).group(1))


def parse_amount(text):
    """An amount as suppliers write it: 1,234.50, 1.234,50 or 1 234,50."""
    digits = re.sub(r"[^\d.,]", "", text)
    marks = [mark for mark in digits if mark in ".,"]
    if not marks:
        return decimal.Decimal(digits)
    last = marks[-1]
    whole, _, part = digits.rpartition(last)
    if len(part) == 3 and len(set(marks)) == 1:
        raise AmountError(f"{text!r} may be thousands or thousandths")
    return decimal.Decimal(re.sub(r"[.,]", "", whole) + "." + part)


class OrderLedger:
    """All orders of a file, by number."""

    def __init__(self, rows):
        self.rows = {row.number: row for row in rows}

    @classmethod
    def load(cls, path):
        with pathlib.Path(path).open(encoding="utf-8", newline="") as file:
            return cls(OrderRow(row["order"], row["supplier"], row["goods"], row["due"], row["state"]) for row in csv.DictReader(file))

    def find_orders(self, supplier=None, state=None):
        """Orders of a supplier, or in a state, or both, in the order of their numbers."""
        found = [row for row in self.rows.values() if supplier in (None, row.supplier) and state in (None, row.state)]
        return sorted(found, key=lambda row: row.number)

    def same_digits(self, number):
        """Orders of other years with the same four digits, which people mix up."""
        digits = ORDER_NUMBER.fullmatch(number).group(2)
        return [other for other in self.rows if other.endswith(digits) and other != number]
