"""Prints how well a search for a name finds its definition in Rust sources.

    python3 scripts/bench-definitions.py KINGLET [TREE]

KINGLET is the program, TREE a folder of Rust sources: tantivy's, as Cargo has them, where none is named. Models are taken from
KINGLET_HOME. Names that are defined once in the tree are searched for, half of them alone and half behind their keyword
(`struct SegmentReader`). Tests are left out: nobody looks for them by name. A hit is right if its lines have the line of the definition.
Ends with 1 when the bar is missed.
"""

import itertools
import json
import pathlib
import random
import re
import subprocess
import sys

from temporary_index import TemporaryIndex, path_in

BAR = 0.90
HITS = 10
NAMES = 200
LEAST_LETTERS = 4
SEED = 7
DEFINITION = re.compile(
    r"""\s* (?:pub(?:\([^)]*\))?\s+)?
    (?: (?:(?:default|const|async|unsafe|extern(?:\s+"[^"]*")?)\s+)* (?P<item>struct|enum|trait|fn) \s+ (?P<name>\w+)
      | const \s+ (?P<const>\w+) \s* :
      | macro_rules! \s* (?P<macro>\w+) )""",
    re.VERBOSE,
)
TEST = re.compile(r"\s*#\[(?:test|bench)\]")


def tantivy():
    """The folder with tantivy's sources."""
    root = pathlib.Path(__file__).resolve().parent.parent
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"]
    printed = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout
    manifest = next(package["manifest_path"] for package in json.loads(printed)["packages"] if package["name"] == "tantivy")
    return pathlib.Path(manifest).parent / "src"


def is_test(before):
    """True if an attribute on the lines before a definition makes it a test or a measurement."""
    attributes = itertools.takewhile(lambda line: line.lstrip().startswith("#["), reversed(before))
    return any(TEST.match(line) for line in attributes)


def definitions(tree):
    """The names that are defined once, each with its keyword, its file and its line."""
    found = {}
    for path in sorted(tree.rglob("*.rs")):
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            match = DEFINITION.match(line)
            if match is None:
                continue
            name = match["name"] or match["const"] or match["macro"]
            keyword = match["item"] or ("const" if match["const"] else "macro_rules!")
            place = None if is_test(lines[: number - 1]) else (keyword, path.relative_to(tree).as_posix(), number)
            found.setdefault(name, []).append(place)
    for name, places in sorted(found.items()):
        if len(places) == 1 and places[0] and sum(map(str.isalpha, name)) >= LEAST_LETTERS:
            yield name, *places[0]


def main(kinglet, tree=None):
    tree = pathlib.Path(tree) if tree else tantivy()
    known = list(definitions(tree))
    chosen = random.Random(SEED).sample(known, min(NAMES, len(known)))
    ranks, misses = {"alone": [], "behind its keyword": []}, []
    with TemporaryIndex(kinglet, tree) as index:
        for at, (name, keyword, path, number) in enumerate(chosen):
            form, typed = ("alone", name) if at % 2 == 0 else ("behind its keyword", f"{keyword} {name}")

            def is_right(place):
                return path_in(tree, place) == path and place["location"]["start"] <= number <= place["location"]["end"]

            hits = index.search(typed, HITS)
            rank = next((rank for rank, hit in enumerate(hits, 1) if any(map(is_right, [hit, *hit["duplicates"]]))), None)
            ranks[form].append(rank)
            if rank != 1:
                first = path_in(tree, hits[0]) + hits[0]["location"]["suffix"] if hits else "no hit"
                misses.append(f"{typed}: {path}:{number} {f'is number {rank}' if rank else f'is not among the first {HITS}'}; first is {first}")

    print(f"{len(known)} names are defined once; {len(chosen)} of them are searched for\n")
    print("name".ljust(20), "names".rjust(6), "MRR@10".rjust(8), "Success@1".rjust(10))
    for form, found in [*ranks.items(), ("all", sum(ranks.values(), []))]:
        mean = sum(1 / rank for rank in found if rank) / len(found)
        print(f"{form:20} {len(found):6} {mean:8.3f} {found.count(1) / len(found):10.3f}")
    print(f"\nMRR@{HITS} {mean:.3f}; the bar is {BAR:.2f}: {'reached' if mean >= BAR else 'MISSED'}\n")
    print(*misses, sep="\n")
    sys.exit(0 if mean >= BAR else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
