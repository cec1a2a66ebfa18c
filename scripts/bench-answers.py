"""Measures answers: questions with known answers over paragraphs that are found by the real search.

    python3 scripts/bench-answers.py FOLDER KINGLET [FLAGS…] [-- KINGLET [FLAGS…]]… [--questions N] [--half tune]

FOLDER holds squad2-dev.jsonl and clapnq-dev.jsonl (one question a line: question, answers, answerable, context). Each KINGLET
with its flags is a row of the table, so that programs and settings are compared in one run. Half of the questions, chosen by a
hash of their texts, is for tuning; the other half is reported. Models are taken from KINGLET_HOME.
"""

import collections
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

SETS = ["squad2-dev", "clapnq-dev"]
REFUSED = 3
UNSUPPORTED = re.compile(r" ?\[unsupported\]")
MARK = re.compile(r" ?\[\d+\]")


def half_of(question):
    return ["tune", "held"][int(hashlib.sha256(question.encode()).hexdigest(), 16) % 2]


def normal(text):
    """Lower-case words without articles and punctuation, as SQuAD's own script compares them."""
    return re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w ]", " ", text.lower())).split()


def holds(text, answers):
    text = f" {' '.join(normal(text))} "
    return any(normal(answer) and f" {' '.join(normal(answer))} " in text for answer in answers)


def token_f1(text, answers):
    def one(answer):
        given, wanted = normal(text), normal(answer)
        common = sum((collections.Counter(given) & collections.Counter(wanted)).values())
        return 2 * common / (len(given) + len(wanted)) if common else 0.0
    return max(one(answer) for answer in answers)


def read(path, half, count):
    """The documents by name, and `count` answerable and `count` unanswerable questions, spread over the file."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    documents = {}
    for row in rows:
        row["document"] = documents.setdefault(row["context"], f"{len(documents) + 1:03d}.txt")
    rows = [row for row in rows if half_of(row["question"]) == half]
    chosen = []
    for answerable in [True, False]:
        of_kind = sorted((row for row in rows if row["answerable"] == answerable), key=lambda row: hashlib.sha256(row["id"].encode()).hexdigest())
        chosen += of_kind[:count]
    return {name: text for text, name in documents.items()}, chosen


def ask(system, index, question):
    kinglet, *flags = system
    told = subprocess.run([kinglet, "ask", question, "--index", index, "--json", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if told.returncode not in (0, REFUSED):
        sys.exit(f"{' '.join(system)}: {question}: {told.stderr}")
    return json.loads(told.stdout)


def measure(system, index, rows):
    seen = collections.defaultdict(list)
    for row in rows:
        answer = ask(system, index, row["question"])
        text = MARK.sub("", UNSUPPORTED.sub("", answer["answer"]))
        timings = answer["timings_ms"]
        if row["answerable"]:
            seen["holds"].append(holds(text, row["answers"]))
            seen["f1"].append(token_f1(text, row["answers"]))
            seen["cites"].append(any(source["path"].endswith(row["document"]) for source in answer["sources"]))
            seen["unsupported"].append(not answer["sources"] and not answer["refused"])
            seen["refuses"].append(answer["refused"])
            seen["words"].append(len(text.split()))
        else:
            seen["refuses unanswerable"].append(answer["refused"])
        seen["first"].append((timings["retrieve"] + timings["load"] + timings["read"]) / 1000)
        seen["tokens"].append(answer.get("prompt_tokens", float("nan")))
    return seen


def mean(values):
    return sum(values) / len(values) if values else float("nan")


def main(arguments):
    half, count = "held", 60
    for flag in ["--questions", "--half"]:
        if flag in arguments:
            at = arguments.index(flag)
            value = arguments[at + 1]
            del arguments[at : at + 2]
            half, count = (value, count) if flag == "--half" else (half, int(value))
    folder, *rest = arguments
    systems = []
    group = []
    for word in rest + ["--"]:
        if word == "--":
            systems.append(group)
            group = []
        else:
            group.append(word)
    for name in SETS:
        documents, rows = read(pathlib.Path(folder) / f"{name}.jsonl", half, count)
        print(f"\n{name}: {sum(row['answerable'] for row in rows)} answerable and {sum(not row['answerable'] for row in rows)} unanswerable questions, {len(documents)} documents\n")
        print("| generator | holds the answer | token F1 | cites the document | nothing supported | refuses | refuses unanswerable | words | tokens read | first word, s (median) |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        for number, system in enumerate(systems):
            with tempfile.TemporaryDirectory() as place:
                for document, text in documents.items():
                    (pathlib.Path(place) / document).write_text(text + "\n")
                index = f"bench-answers-{os.getpid()}-{number}"
                subprocess.run([system[0], "index", place, "--index", index], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                seen = measure(system, index, rows)
                subprocess.run([system[0], "rm", index, "--yes"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            label = " ".join([pathlib.Path(system[0]).name, *system[1:]])
            shares = [mean(seen[key]) for key in ["cites", "unsupported", "refuses", "refuses unanswerable"]]
            print(f"| {label} | {mean(seen['holds']):.0%} | {mean(seen['f1']):.3f} | " + " | ".join(f"{share:.0%}" for share in shares)
                  + f" | {mean(seen['words']):.0f} | {mean(seen['tokens']):.0f} | {statistics.median(seen['first']):.2f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
