"""Prints how often the first hit is right for things that people type and that are no questions: codes, phrases, numbers, dates, typos.

    python3 scripts/bench-typed.py KINGLET [FLAGS…]

KINGLET is the program; FLAGS go to each search, as `--mode lexical`. Models are taken from KINGLET_HOME. corpora/README.md describes
corpora/typed, which is what is searched. A hit is right if it is of a right file and has the right words, in itself or in the headings
above it. Of things that are not in the documents, no first hit may look like a whole match: it has to have a score below .999, and a
mark (`partial` in JSON) that says what it has only in parts. Ends with 1 when a bar is missed.
"""

import pathlib
import re
import sys

from temporary_index import TemporaryIndex, path_in

BAR = 0.90
WHOLE = 0.999
HITS = 5
CORPUS = pathlib.Path(__file__).resolve().parent.parent / "corpora" / "typed"
DOCUMENTS = CORPUS / "documents"


def queries():
    """Each row: the kind, what is typed, the right files, and the words that stand in the right passage."""
    for line in (CORPUS / "queries.tsv").read_text("utf-8").splitlines():
        kind, typed, paths, words = line.split("\t")
        yield kind, typed, paths.split("|"), words


def has_words(text, words):
    """True if `text` has these words one after the other and whole: PO-2026-0417 is not in PO-2026-04171."""
    one_line = " ".join(text.split())
    return re.search(rf"(?<!\w){re.escape(' '.join(words.split()))}(?!\w)", one_line) is not None


def is_right(hit, paths, words):
    return path_in(DOCUMENTS, hit) in paths and has_words(" ".join([*hit["headings"], hit["text"]]), words)


def check_corpus(index, rows, absent):
    """Ends the program if the queries do not fit the documents."""
    texts = {path.relative_to(DOCUMENTS).as_posix(): index.text(path) for path in DOCUMENTS.rglob("*") if path.is_file()}
    wrong = [f"{path} does not have {words!r}" for _, _, paths, words in rows for path in paths if not has_words(texts[path], words)]
    wrong += [f"{path} has {typed!r}" for typed in absent for path, text in texts.items() if has_words(text, typed)]
    if wrong:
        sys.exit("\n".join(wrong))


def place(hit):
    return path_in(DOCUMENTS, hit) + hit["location"]["suffix"]


def main(kinglet, *flags):
    rows = list(queries())
    absent = (CORPUS / "absent.tsv").read_text("utf-8").splitlines()
    ranks, misses, claims = {}, [], []
    with TemporaryIndex(kinglet, DOCUMENTS) as index:
        check_corpus(index, rows, absent)
        for kind, typed, paths, words in rows:
            hits = index.search(typed, HITS, *flags)
            rank = next((rank for rank, hit in enumerate(hits, 1) if is_right(hit, paths, words)), None)
            ranks.setdefault(kind, []).append(rank)
            if rank != 1:
                misses.append((kind, typed, paths, rank, place(hits[0]) if hits else "no hit"))
        for typed in absent:
            hits = index.search(typed, 1, *flags)
            if hits and (hits[0]["score"] >= WHOLE or not hits[0].get("partial")):
                claims.append((typed, hits[0]))

    print("kind".ljust(10), "queries".rjust(8), "right".rjust(6), "Success@1".rjust(10), "bar".rjust(5))
    failed = False
    for kind, found in [*ranks.items(), ("all", sum(ranks.values(), []))]:
        right = found.count(1)
        share = right / len(found)
        failed |= share < BAR
        print(f"{kind:10} {len(found):8} {right:6} {share:10.3f} {BAR:5.2f}  {'reached' if share >= BAR else 'MISSED'}")
    print()
    for kind, typed, paths, rank, first in misses:
        print(f"{kind:8} {typed}: first is {first}; {' or '.join(paths)} {f'is number {rank}' if rank else f'is not among the first {HITS}'}")
    print(f"\nabsent: {len(claims)} of {len(absent)} first hits look like a whole match; the bar is 0")
    for typed, hit in claims:
        print(f"{typed}: {place(hit)}, score {hit['score']:.3f}, {'marked' if hit.get('partial') else 'no mark'}")
    sys.exit(1 if failed or claims else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
