#!/usr/bin/env python3
"""Names every link and picture in the pages of a built book that leads nowhere: scripts/check-links.py target/book

Pages below api/ are rustdoc's, which checks its own. Links to other machines are not followed.
"""
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]
        self.places |= {attributes[name] for name in ("id", "name") if attributes.get(name)}


def main(book):
    # print.html has all pages in one, with links as they are in their own places; 404.html and toc.html are of no page.
    pages = {path: Page(path) for path in book.rglob("*.html") if path.relative_to(book).parts[0] != "api"}
    if not pages:
        sys.exit(f"error: {book} has no pages")
    wrong, count = [], 0
    for path, page in pages.items():
        if path.name in ("404.html", "print.html", "toc.html"):
            continue
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            count += 1
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            known = pages.get(target)
            if not target.exists() or (url.fragment and known and unquote(url.fragment) not in known.places):
                wrong.append(f"{path.relative_to(book)}: {link}")
    print(f"{count} links on {len(pages)} pages, {len(wrong)} of them lead nowhere")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve())
