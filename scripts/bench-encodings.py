"""Prints how many files in known encodings are decoded to the right text, and how many of the others say that they guessed.

    python3 scripts/bench-encodings.py FOLDER COMMAND...

FOLDER holds a folder for each encoding, named after it (`iso-8859-2-czech`), with files in it. COMMAND with a file's path
appended prints the file's text on stdout and, where it is doubtful, `warning: …` on stderr; it ends with another status than
0 where the file is not read. Ends with 1 when fewer than 95 % of the files in encodings of the Encoding Standard are right,
or when any text is wrong and does not say so.
"""

import collections
import html.parser
import pathlib
import re
import subprocess
import sys

RIGHT = 0.99
BAR = 0.95
# Not in the Encoding Standard: reading them is a gift, reading them wrong without a doubt is not.
BEYOND_THE_STANDARD = {"ibm855", "johab", "euc-tw", "iso-2022-kr", "utf-32", "utf-32be", "utf-32le"}
PYTHON_NAMES = {"maccyrillic": "mac_cyrillic", "tis-620": "cp874", "gb2312": "gb18030", "euc-tw": None}


class Text(html.parser.HTMLParser):
    """Collects the words of a page, so that layout and entities are not compared."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.pieces = []
        self.hidden = 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style", "title")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style", "title") and self.hidden > 0

    def handle_data(self, data):
        if not self.hidden:
            self.pieces.append(data)


def letters(text, page):
    """How often each character stands in a text, but for white space and the marks of lists and tables."""
    if page:
        parser = Text()
        parser.feed(text)
        text = " ".join(parser.pieces)
    return collections.Counter(re.sub(r"[\s|-]+", "", text.replace("\ufeff", "").replace("\u00ad", "")))


def beyond_ascii(count):
    return {letter: number for letter, number in count.items() if letter > "\x7f"}


def equal_share(found, expected, page, data):
    """The smaller share of equal characters: among all, and among those beyond ASCII, where encodings differ. Of a page, menus
    and such may be left out; of data, which is read as records, only characters beyond ASCII are compared."""
    shares = []
    pairs = [(beyond_ascii(found), beyond_ascii(expected))]
    for one, other in pairs if data else [(found, expected), *pairs]:
        common = sum(min(number, other.get(letter, 0)) for letter, number in one.items())
        total = sum(one.values()) if page and one else max(sum(one.values()), sum(other.values()))
        shares.append(common / total if total else 1.0)
    return min(shares)


def main():
    folder, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    print(f"{'encoding':24} {'files':>5} {'right':>5} {'wrong':>5} {'flagged':>7} {'skipped':>7}")
    standard = right_of_standard = wrong_silently = all_files = all_right = 0
    for place in sorted(folder.iterdir()):
        base = re.sub(r"-(?!8859|2022|620)[a-z]{4,}$", "", place.name.lower())
        name = PYTHON_NAMES.get(base, base)
        row = collections.Counter()
        notes = []
        for path in sorted(place.iterdir()):
            row["files"] += 1
            run = subprocess.run([*command, str(path)], capture_output=True, check=False)
            doubt = "warning: " in run.stderr.decode("utf-8", "replace")
            if run.returncode:
                row["skipped"] += 1
                notes.append(f"{path.name}: {run.stderr.decode().strip()}")
                continue
            page, data = path.suffix in (".html", ".xml"), path.suffix == ".xml"
            found = letters(run.stdout.decode("utf-8"), False)
            text = path.read_bytes().decode(name, "replace") if name else ""
            # Feeds have pages in their elements, with their markup escaped.
            expected = letters(html.unescape(text) if data else text, page and not data)
            share = equal_share(found, expected, page, data) if name else 0.0
            row["flagged"] += doubt
            row["right" if share >= RIGHT else "wrong"] += 1
            if share < RIGHT:
                notes.append(f"{path.name}: {share:.3f} {run.stderr.decode().strip()}")
                wrong_silently += not doubt
        print(
            f"{place.name:24} {row['files']:5} {row['right']:5} {row['wrong']:5} {row['flagged']:7} {row['skipped']:7}"
            f"  {'; '.join(notes)}"
        )
        all_files += row["files"]
        all_right += row["right"]
        if base not in BEYOND_THE_STANDARD:
            standard += row["files"]
            right_of_standard += row["right"]
    print(f"right: {right_of_standard} of {standard} in encodings of the Encoding Standard, {all_right} of {all_files} in all")
    print(f"wrong without a doubt: {wrong_silently}")
    return right_of_standard < BAR * standard or wrong_silently > 0


if __name__ == "__main__":
    sys.exit(main())
