"""Does the order of systems by made questions agree with their order by people's questions?

    python3 scripts/check-synthetic.py KINGLET FOLDER OUT [SET...]

For each collection in FOLDER: kinglet makes questions from its documents alone, compares the same systems on these and on the
collection's own questions, and the two orders by nDCG@10 are held against each other by Kendall's tau-b. OUT keeps the reports.
"""

import itertools
import json
import math
import pathlib
import subprocess
import sys

SETS = ["scifact", "cranfield", "codebase-chunks", "cisi", "medline", "claude-docs"]
EMBEDDERS = "all-minilm-l6-v2,paraphrase-minilm-l3-v2,wordllama-256"
COUNT = "150"


def report(kinglet, folder, out, questions=()):
    command = [kinglet, "compare", "--embedders", EMBEDDERS, "--beir", str(folder), "--out", str(out), *questions]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    comparison = json.loads((out / "report.json").read_text())["comparisons"][0]
    return comparison["origin"], {system["name"]: system["estimates"][0]["mean"] for system in comparison["systems"]}


def tau(first, second):
    sign = lambda value: (value > 1e-9) - (value < -1e-9)
    pairs = [(sign(first[a] - first[b]), sign(second[a] - second[b])) for a, b in itertools.combinations(sorted(first), 2)]
    return sum(a * b for a, b in pairs) / math.sqrt(sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs))


def main(kinglet, folder, out, names):
    print("collection".ljust(18), "systems", "made", "    tau", " best by people -> its place by made questions")
    found = []
    for name in names:
        made = out / f"{name}-questions.jsonl"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.unlink(missing_ok=True)
        told = subprocess.run(
            [kinglet, "questions", "make", "--beir", str(folder / name), "--count", COUNT, "--out", str(made), "--json"],
            check=True,
            stdout=subprocess.PIPE,
        )
        origin, human = report(kinglet, folder / name, out / name)
        made_origin, synthetic = report(kinglet, folder / name, out / f"{name}-made", ["--questions", str(made)])
        assert (origin, made_origin) == ("human", "synthetic") and human.keys() == synthetic.keys()
        best = max(human, key=human.get)
        place = sorted(synthetic, key=synthetic.get, reverse=True).index(best) + 1
        found.append(tau(human, synthetic))
        print(name.ljust(18), str(len(human)).rjust(7), str(json.loads(told.stdout)["questions"]).rjust(4),
              f"{found[-1]:7.3f}", f" {best} -> {place}", flush=True)
    print("mean".ljust(18), " " * 12, f"{sum(found) / len(found):7.3f}")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4:] or SETS)
