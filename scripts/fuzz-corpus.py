#!/usr/bin/env python3
"""Makes the seed corpora of `make fuzz`: fuzz/corpus/FAMILY/, from fuzz/seeds, from the findings that are kept as tests, and from
a folder of real documents if it is there. What fuzzing has added stays.

usage: fuzz-corpus.py [DOCUMENTS]
"""

import hashlib
import io
import re
import sys
import zipfile
import zlib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# Short files are read many times a second. libFuzzer makes no input longer than the longest seed.
MAX_BYTES = {"pdf": 64 << 10, "office_xml": 64 << 10, "office_binary": 64 << 10, "opendocument": 64 << 10, "ebook": 64 << 10}
MAX_TEXT_BYTES = 16 << 10
MAX_FILES = 100

FAMILIES = {
    "pdf": ["pdf"],
    "office_xml": ["docx", "pptx", "xlsx", "xlsb"],
    "office_binary": ["doc", "ppt", "xls"],
    "opendocument": ["odt", "ods", "odp", "fodt"],
    "rtf": ["rtf"],
    "mail": ["eml", "mbox", "mht", "msg"],
    "ebook": ["epub"],
    "html": ["html", "htm"],
    "markup": ["md", "rst", "org"],
    "tables": ["csv", "tsv"],
    "data": ["json", "jsonl", "ndjson", "yaml", "xml"],
    "notebook": ["ipynb"],
    "code": ["rs", "py", "go", "xsl"],
    "encodings": ["txt"],
    "filter": [],
}


def archive(folder):
    """The zip archive that has the files of a folder as its members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            members.writestr(zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes())
    return packed.getvalue()


def inflated(pdf):
    """A PDF with its streams unpacked as far as that is simple, so that their content is mutated and not its compression."""

    def unpack(stream):
        try:
            content = zlib.decompressobj().decompress(stream[2], MAX_BYTES["pdf"])
        except zlib.error:
            return stream[0]
        if b"Predictor" in stream[1]:
            return stream[0]
        return stream[1].replace(b"/FlateDecode", b"/None") + b"stream\n" + content + b"\nendstream"

    unpacked = re.sub(rb"(<<(?:(?!stream).)*?/FlateDecode(?:(?!stream).)*?)stream\r?\n(.*?)endstream", unpack, pdf, flags=re.DOTALL)
    # The length is of the packed stream: readers look for the end of the stream when it is wrong.
    return unpacked.replace(b"/Filter/None", b"").replace(b"/Filter /None", b"")


def seeds(family, extensions, documents):
    """The seeds of a family, the repository's first and short ones before long ones."""
    for folder in (REPOSITORY / "fuzz" / "seeds" / family, REPOSITORY / "crates/formats/tests/fuzz-findings" / family):
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            yield path.read_bytes() if path.is_file() else archive(path)
    if not documents or not documents.is_dir():
        return
    found = [path for path in documents.rglob("*") if path.is_file() and path.suffix[1:].lower() in extensions]
    if family == "encodings":
        found = [path for path in documents.glob("encodings/*/*") if path.is_file()]
    for path in sorted(found, key=lambda path: (path.stat().st_size, path.name)):
        content = path.read_bytes()
        yield content
        if family == "pdf":
            yield inflated(content)


def main():
    documents = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if documents and not documents.is_dir():
        print(f"no folder {documents}: the seeds are those of the repository only", file=sys.stderr)
    for family, extensions in FAMILIES.items():
        corpus = REPOSITORY / "fuzz" / "corpus" / family
        corpus.mkdir(parents=True, exist_ok=True)
        (REPOSITORY / "fuzz" / "artifacts" / family).mkdir(parents=True, exist_ok=True)
        count, most = 0, MAX_BYTES.get(family, MAX_TEXT_BYTES)
        for content in seeds(family, extensions, documents):
            if count < MAX_FILES and 0 < len(content) <= most:
                (corpus / f"seed-{hashlib.sha256(content).hexdigest()[:16]}").write_bytes(content)
                count += 1
        print(f"{family}: {count} seeds")


main()
