"""Prints how well the main text of saved web pages is found: F1 over the words of what a reader wants.

    python3 scripts/bench-web-pages.py FOLDER COMMAND...

FOLDER holds a folder for each page, with the page (`source.html`) and its main text (`expected.html`). COMMAND with a
page's path appended prints the text that it reads. A word is a run of letters and digits in lower case. Ends with 1 when the
mean of F1 is below the bar.
"""

import collections
import html.parser
import pathlib
import re
import subprocess
import sys

BAR = 0.90


class Text(html.parser.HTMLParser):
    """Collects the text of a page."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.pieces = []
        self.hidden = 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style")
        if tag not in ("a", "b", "i", "em", "strong", "span", "code", "sup", "sub", "small", "u", "font", "abbr", "time"):
            self.pieces.append(" ")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style") and self.hidden > 0

    def handle_data(self, data):
        if not self.hidden:
            self.pieces.append(data)


def words(text):
    return collections.Counter(re.findall(r"[^\W_]+", text.lower()))


def text_of(page):
    parser = Text()
    parser.feed(page)
    return "".join(parser.pieces)


def main():
    folder, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    print(f"{'page':28} precision recall    F1")
    scores = []
    for place in sorted(folder.iterdir()):
        source, expected = place / "source.html", place / "expected.html"
        if not source.exists():
            continue
        run = subprocess.run([*command, str(source)], capture_output=True, check=False)
        found, wanted = words(run.stdout.decode("utf-8")), words(text_of(expected.read_text("utf-8")))
        common = sum((found & wanted).values())
        precision, recall = common / max(1, found.total()), common / max(1, wanted.total())
        scores.append(2 * precision * recall / (precision + recall) if common else 0.0)
        print(f"{place.name:28} {precision:9.3f} {recall:6.3f} {scores[-1]:5.3f}  {run.stderr.decode().strip()}")
    mean = sum(scores) / len(scores)
    print(f"mean F1 {mean:.4f} over {len(scores)} pages; the bar is {BAR}")
    return mean < BAR


if __name__ == "__main__":
    sys.exit(main())
