"""Prints the quality of kinglet's pipelines on judged collections beside the bars that they must reach.

    python3 scripts/bench-quality.py KINGLET FOLDER

KINGLET is the program, FOLDER holds collections in BEIR's layout. Ends with 1 when a bar is not reached.
"""

import json
import os
import pathlib
import subprocess
import sys

SETS = ["scifact", "cranfield", "codebase-chunks", "cisi", "medline"]

# What is measured: its flags, and the bars for SciFact and for the mean of all sets.
PIPELINES = [
    ("default", [], 0.745, 0.639),
    ("words alone", ["--mode", "lexical"], 0.700, 0.560),
    ("all-minilm-l6-v2 alone", ["--mode", "dense"], 0.645, None),
    ("words and all-minilm-l6-v2", ["--rerank", "none", "--neighbours", "off"], None, None),
    ("+ late interaction", ["--neighbours", "off"], None, None),
    ("static, wordllama-256", ["--embedder", "wordllama-256"], None, 0.575),
    ("wordllama-256 alone", ["--embedder", "wordllama-256", "--mode", "dense"], None, None),
    ("splade-tiny alone", ["--mode", "sparse"], None, None),
    ("default + splade-tiny", ["--sparse", "splade-tiny"], None, None),
]

# No retriever alone may be better than the default by more than this.
LEAST_LEAD = -0.006

# Questions in eleven languages over English passages: words alone can only find names and numbers. A hub's embedder for many languages is
# measured too where its files are here (`kinglet models pull multilingual-e5-small`).
CROSSLINGUAL = "xquad-crosslingual"
MULTILINGUAL = "multilingual-e5-small"


def ndcg(kinglet, folder, flags):
    command = [kinglet, "eval", "--beir", str(folder), "--json", "--tuning", "none", *flags]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["ndcg_at_10"]


def questions(folder):
    lines = (folder / "queries.jsonl").read_text().splitlines()
    return [" ".join(json.loads(line)["text"].split()) for line in lines]


def confidence(kinglet, folder, foreign, settings):
    command = [kinglet, "measure-confidence", "--beir", str(folder)]
    environment = {**os.environ, "KINGLET_TUNING": "none", **settings}
    told = subprocess.run(command, env=environment, input="\n".join(foreign), text=True, check=True, stdout=subprocess.PIPE)
    return json.loads(told.stdout)


def is_here(kinglet, model):
    told = subprocess.run([kinglet, "models", "list", "--json"], check=True, stdout=subprocess.PIPE)
    return any(row["id"] == model and row["installed"] for row in json.loads(told.stdout)["models"])


def main(kinglet, folder):
    missing = [name for name in SETS if not (folder / name / "corpus.jsonl").is_file()]
    if missing:
        sys.exit(f"SKIPPED: {folder} has no {', '.join(missing)}")
    print("nDCG@10".ljust(28), *(name.rjust(15) for name in SETS), "mean".rjust(8), " bars")
    failed = False
    measured = {}
    for name, flags, least_scifact, least_mean in PIPELINES:
        values = [ndcg(kinglet, folder / collection, flags) for collection in SETS]
        measured[name] = values
        mean = sum(values) / len(values)
        bars = [("scifact", values[0], least_scifact), ("mean", mean, least_mean)]
        bars = [(what, value, least) for what, value, least in bars if least is not None]
        failed |= any(value < least for _, value, least in bars)
        told = ", ".join(f"{what} {least:.3f} {'reached' if value >= least else 'MISSED'}" for what, value, least in bars)
        print(name.ljust(28), *(f"{value:15.4f}" for value in values), f"{mean:8.4f}", f" {told}", flush=True)
    default, legs = measured["default"], [measured["words alone"], measured["all-minilm-l6-v2 alone"]]
    leads = [value - max(of_legs) for value, *of_legs in zip(default, *legs)]
    failed |= min(leads) < LEAST_LEAD
    told = f"least {LEAST_LEAD:+.3f} {'reached' if min(leads) >= LEAST_LEAD else 'MISSED'}"
    print("default, over better leg".ljust(28), *(f"{lead:+15.4f}" for lead in leads), f"{sum(leads) / len(leads):+8.4f}", f" {told}")
    # Confidence: questions with a judged passage in the first five hits against those of collections about other subjects.
    for name, settings in [("default", {}), ("words alone", {"KINGLET_MODE": "lexical"}), ("static", {"KINGLET_EMBEDDER": "wordllama-256"})]:
        for collection in SETS:
            others = [other for other in SETS if other != collection and {other, collection} != {"scifact", "medline"}]
            foreign = [question for other in others for question in questions(folder / other)[:30]]
            found = confidence(kinglet, folder / collection, foreign, settings)
            near, far = found["not_close"]
            print(f"confidence, {name}, {collection}: AUC {found['area']:.3f}, not close: {near:.3f} of fitting, {far:.3f} of foreign", flush=True)
    if (folder / CROSSLINGUAL / "corpus.jsonl").is_file():
        print(f"{CROSSLINGUAL}, words alone {ndcg(kinglet, folder / CROSSLINGUAL, ['--mode', 'lexical']):.4f}", flush=True)
        if is_here(kinglet, MULTILINGUAL):
            for name, flags in [("alone", ["--mode", "dense"]), ("default", [])]:
                value = ndcg(kinglet, folder / CROSSLINGUAL, ["--embedder", MULTILINGUAL, *flags])
                print(f"{CROSSLINGUAL}, {MULTILINGUAL} {name} {value:.4f}", flush=True)
        else:
            print(f"SKIPPED: {MULTILINGUAL} is not here", file=sys.stderr)
    else:
        print(f"SKIPPED: {folder} has no {CROSSLINGUAL}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
