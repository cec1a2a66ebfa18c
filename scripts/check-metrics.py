"""Holds kinglet's measures against pytrec_eval's, to 1e-6.

    python3 scripts/check-metrics.py KINGLET FOLDER...     runs `kinglet eval` on each collection and measures its run again
    python3 scripts/check-metrics.py --golden FILE         writes rankings with pytrec_eval's values, for tests/metrics.rs

Needs the Python package pytrec-eval-terrier; `make check-metrics` installs it into a folder of its own.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

import pytrec_eval

NAMES = {
    "ndcg_at_10": "ndcg_cut_10",
    "recall_at_10": "recall_10",
    "recall_at_100": "recall_100",
    "mrr_at_10": "recip_rank",
    "map": "map",
}
WANTED = {"ndcg_cut.10", "recall.10,100", "recip_rank", "map"}


def measured(judgments, rankings):
    """kinglet's names and values by query. trec_eval has no cut for the reciprocal rank: what lies beyond 10 counts 0."""
    scored = {query: {name: len(ids) - at for at, name in enumerate(ids)} for query, ids in rankings.items()}
    found = pytrec_eval.RelevanceEvaluator(judgments, WANTED).evaluate(scored)
    return {
        query: {
            ours: values[theirs] if ours != "mrr_at_10" or values[theirs] >= 0.1 else 0.0
            for ours, theirs in NAMES.items()
        }
        for query, values in found.items()
    }


def judgments_in(folder):
    judgments = {}
    for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        judgments.setdefault(query, {})[document] = int(grade)
    return judgments


def check(kinglet, folder):
    with tempfile.NamedTemporaryFile(suffix=".run") as run:
        command = [kinglet, "eval", "--beir", str(folder), "--json", "--trec", run.name]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        rankings = {}
        for line in pathlib.Path(run.name).read_text().splitlines():
            query, _, document, *_ = line.split(" ")
            rankings.setdefault(query, []).append(document)
    values = measured(judgments_in(folder), rankings)
    for name in NAMES:
        theirs = sum(value[name] for value in values.values()) / told["questions"]
        difference = abs(theirs - told[name])
        print(f"{folder.name:18} {name:14} kinglet {told[name]:.6f}  pytrec_eval {theirs:.6f}")
        if difference > 1e-6:
            sys.exit(f"they differ by {difference}")


def golden(path):
    dice = random.Random(42)
    queries = []
    for number in range(40):
        documents = [f"d{at}" for at in range(dice.choice([5, 30, 300]))]
        grades = [dice.choice([0, 0, 0, 1, 1, 2, 3]) for _ in range(dice.randint(1, 25))]
        judgments = dict(zip(dice.sample([*documents, *(f"absent{at}" for at in range(20))], len(grades)), [*grades[1:], 1]))
        ranking = dice.sample(documents, dice.randint(1, len(documents)))
        values = measured({"q": judgments}, {"q": ranking})["q"]
        queries.append({"ranking": ranking, "judgments": judgments, "metrics": values})
    path.write_text("".join(json.dumps(query) + "\n" for query in queries))


if __name__ == "__main__":
    if sys.argv[1] == "--golden":
        golden(pathlib.Path(sys.argv[2]))
    else:
        for argument in sys.argv[2:]:
            check(sys.argv[1], pathlib.Path(argument))
