"""Prints how often what a search shows of its hits holds the answer, on the handbook's questions.

    python3 scripts/bench-snippets.py KINGLET

KINGLET is the program; models are taken from KINGLET_HOME. For each question of corpora/tiny that the handbook answers: does a quote of the
answer stand in a passage among the first hits, in the snippet that is shown of it, and within the snippet's lines? Ends with 1 when the bar is
missed.
"""

import json
import pathlib
import sys

from temporary_index import TemporaryIndex, path_in

BAR = 0.75
DEPTHS = [1, 5, 10]


def lines_of(handbook, hit):
    """The lines of the file at the place of the snippet."""
    lines = (handbook / path_in(handbook, hit)).read_text("utf-8").splitlines()
    place = hit["snippet"]["location"]
    return "\n".join(lines[place["start"] - 1 : place["end"]])


def main(kinglet):
    corpora = pathlib.Path(__file__).resolve().parent.parent / "corpora"
    handbook = corpora / "handbook"
    rows = [json.loads(line) for line in (corpora / "tiny/questions.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["answers"]]
    found = {name: dict.fromkeys(DEPTHS, 0) for name in ["in the passage", "in the snippet", "within its lines"]}
    with TemporaryIndex(kinglet, handbook) as index:
        for row in rows:
            hits = index.search(row["question"], max(DEPTHS), "--literal")
            for depth in DEPTHS:
                pairs = [
                    (hit, answer)
                    for hit in hits[:depth]
                    for answer in row["answers"]
                    if path_in(handbook, hit) == answer["path"] and answer["quote"] in hit["text"]
                ]
                shown = [(hit, answer) for hit, answer in pairs if answer["quote"] in hit["snippet"]["text"]]
                there = [hit for hit, answer in shown if answer["quote"] in lines_of(handbook, hit)]
                for name, count in zip(found, [pairs, shown, there]):
                    found[name][depth] += bool(count)
    print(f"{len(rows)} questions".ljust(20), *(f"first {depth}".rjust(10) for depth in DEPTHS))
    for name, counts in found.items():
        print(name.ljust(20), *(f"{counts[depth] / len(rows):10.3f}" for depth in DEPTHS))
    share = found["in the snippet"][5] / len(rows)
    print(f"\nin the snippet of the first 5: {share:.3f}; the bar is {BAR:.2f}: {'reached' if share >= BAR else 'MISSED'}")
    sys.exit(0 if share >= BAR else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
