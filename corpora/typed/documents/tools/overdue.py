"""Prints orders that are overdue, on the screen beside the coffee machine."""

import datetime
import sys

from ledger import AmountError, OrderLedger, parse_amount

SHOWN = ("open", "late")


def overdue(ledger, today):
    """Rows of an OrderLedger that should have come before today."""
    rows = [row for state in SHOWN for row in ledger.find_orders(state=state)]
    return [row for row in rows if datetime.date.fromisoformat(row.due) < today]


def total(amounts):
    """Sums amounts by parse_amount; those that parse_amount refuses are named."""
    known, unclear = [], []
    for amount in amounts:
        try:
            known.append(parse_amount(amount))
        except AmountError as error:
            unclear.append(str(error))
    return sum(known), unclear


def main(path):
    # An OrderLedger for each file: an OrderLedger of all years would mix up numbers.
    ledger = OrderLedger.load(path)
    for row in overdue(ledger, datetime.date.today()):
        twins = ledger.same_digits(row.number)
        warning = f" (not {', '.join(twins)}!)" if twins else ""
        print(f"{row.due}  {row.number}{warning}  {row.supplier}: {row.goods}")


if __name__ == "__main__":
    main(sys.argv[1])
