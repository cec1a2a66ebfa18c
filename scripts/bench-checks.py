"""Measures the checks of answers against labelled data: what supports a claim, what can be answered, what is quoted.

    python3 scripts/bench-checks.py FOLDER KINGLET [--questions N] [--only PART,PART]

FOLDER holds wice-claim-dev.jsonl, scifact-nli-train.jsonl, squad2-dev.jsonl, clapnq-dev.jsonl and legalbench-rag-privacy-qa.jsonl. Parts:
pairs (claims with their evidence), twins (training/twins.jsonl), sentences (training/sentences.jsonl: sentences that generators wrote, labelled
by hand), answers (questions of squad2-dev over all its paragraphs, the half that nothing was tuned on), citations, time. Intervals are 95 %, from
1,000 resamplings with a fixed seed. Models are taken from KINGLET_HOME.
"""

import collections
import hashlib
import importlib.util
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
answers_bench = importlib.util.spec_from_file_location("bench_answers", HERE / "bench-answers.py")
answers = importlib.util.module_from_spec(answers_bench)
answers_bench.loader.exec_module(answers)

TRAINING = HERE.parent / "training"
REFUSED = 3
PARTS = ["pairs", "twins", "sentences", "answers", "citations", "time"]


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def interval(value_of, count, times=1000):
    draw = random.Random(1)
    found = sorted(value_of([draw.randrange(count) for _ in range(count)]) for _ in range(times))
    return found[int(times * 0.025)], found[int(times * 0.975)]


def shown(value, bounds=None, digits=3):
    return f"{value:.{digits}f}" + (f" [{bounds[0]:.{digits}f}, {bounds[1]:.{digits}f}]" if bounds else "")


def balanced(pairs):
    """The mean of the share of supported ones that are judged so and of the others that are not; pairs of (truth, judgement)."""
    hits = {truth: [judged == truth for wanted, judged in pairs if wanted == truth] for truth in (True, False)}
    return statistics.mean(statistics.mean(one) for one in hits.values() if one)


def judged(kinglet, pairs):
    """The program's judgement of each pair of a claim and its evidence."""
    lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
    told = subprocess.run([kinglet, "check-pairs"], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in told.stdout.splitlines()]


def words_in_common(claim, texts):
    """The share of the claim's words that the best window of about 200 words has."""
    wanted = set(answers.normal(claim)) - STOP
    best = 0.0
    words = [word for text in texts for word in answers.normal(text)]
    for start in range(0, max(1, len(words)), 100):
        window = set(words[start : start + 200])
        best = max(best, len(wanted & window) / max(1, len(wanted)))
    return best


STOP = set("of and or in on at by for from with to is are was were be been has have had that this it its as not he she they his her their which who will would can".split())


def best_threshold(scored):
    return max(sorted({score for _, score in scored}), key=lambda at: balanced([(truth, score >= at) for truth, score in scored]))


def pairs(kinglet, folder):
    print("\n### Claims: supported or not, balanced accuracy\n\n| | claims | kinglet | words in common (threshold of the other half) |\n|---|--:|--:|--:|")
    for name, file, supported in (("WiCE dev", "wice-claim-dev", "supported"), ("SciFact pairs", "scifact-nli-train", "SUPPORT")):
        rows = rows_of(folder / f"{file}.jsonl")
        found = judged(kinglet, [{"claim": row["claim"], "evidence": ["\n\n".join(row["evidence"])]} for row in rows])
        truth = [row["label"] == supported for row in rows]
        ours = [(is_true, one["label"] == "supported") for is_true, one in zip(truth, found)]
        shares = [words_in_common(row["claim"], row["evidence"]) for row in rows]
        half = [int(hashlib.sha256(row["claim"].encode()).hexdigest(), 16) % 2 for row in rows]
        at = [best_threshold([(t, s) for t, s, h in zip(truth, shares, half) if h != which]) for which in (0, 1)]
        words = [(t, s >= at[h]) for t, s, h in zip(truth, shares, half)]
        cells = [shown(balanced(one), interval(lambda pick: balanced([one[n] for n in pick]), len(one))) for one in (ours, words)]
        print(f"| {name} | {len(rows)} | {cells[0]} | {cells[1]} |", flush=True)


def twins(kinglet):
    rows = rows_of(TRAINING / "twins.jsonl")
    found = judged(kinglet, [{"claim": row[which], "evidence": [row["evidence"]]} for row in rows for which in ("true", "false")])
    right = [one["label"] == "supported" != other["label"] and other["label"] != "supported" for one, other in zip(found[::2], found[1::2])]
    kinds = collections.Counter(row["kind"] for row, good in zip(rows, right) if good)
    print(f"\n### Twins: both judged rightly\n\n{sum(right)} of {len(rows)}: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))


def sentences(kinglet, folder):
    """Sentences that generators wrote from paragraphs; the paragraphs are named by set and number."""
    documents, questions = {}, {}
    for name in ("squad2-dev", "clapnq-dev"):
        given = rows_of(folder / f"{name}.jsonl")
        questions.update({row["id"]: row["question"] for row in given})
        texts = list(dict.fromkeys(row["context"] for row in given))
        documents.update({f"{name}/{number + 1:03d}": text for number, text in enumerate(texts)})
    rows = rows_of(TRAINING / "sentences.jsonl")
    claims = [{"claim": row["sentence"], "question": questions[row["question_id"]], "evidence": [documents[name] for name in row["documents"]]} for row in rows]
    found = judged(kinglet, claims)
    print("\n### Sentences that generators wrote, labelled by hand: supported or not\n\n| | sentences | agreement | balanced accuracy |\n|---|--:|--:|--:|")
    scores = [one["probability"] for one in found]
    everything = [(row["supported"], one["label"] == "supported", row) for row, one in zip(rows, found)]
    for label, group in [("all", everything)] + [(f"written by {name}", [one for one in everything if one[2]["generator"] == name]) for name in sorted({row["generator"] for row in rows})] + [(f"{half} half", [one for one in everything if answers.half_of(questions[one[2]["question_id"]]) == half]) for half in ("tune", "held")]:
        same = [truth == judgement for truth, judgement, _ in group]
        agreement = shown(statistics.mean(same), interval(lambda pick: statistics.mean(same[n] for n in pick), len(same)))
        print(f"| {label} | {len(group)} | {agreement} | {shown(balanced([one[:2] for one in group]))} |", flush=True)
    truth = [row["supported"] for row in rows]
    bounds = interval(lambda pick: correlation([truth[n] for n in pick], [scores[n] for n in pick]), len(rows))
    print(f"\nCorrelation of the probability with the labels: {shown(correlation(truth, scores), bounds, 2)}")


def correlation(truth, probability):
    """Pearson's correlation of labels and probabilities."""
    return statistics.correlation([float(one) for one in truth], probability)


def calibration_error(points, bins=10):
    """The mean difference between probability and truth in bins of equal width; points of (probability, truth)."""
    places = collections.defaultdict(list)
    for probability, truth in points:
        places[min(int(probability * bins), bins - 1)].append((probability, truth))
    return sum(abs(sum(p for p, _ in one) - sum(t for _, t in one)) for one in places.values()) / len(points)


def answered(kinglet, folder, count):
    for name in ("squad2-dev", "clapnq-dev"):
        documents, rows = answers.read(folder / f"{name}.jsonl", "held", count)
        with tempfile.TemporaryDirectory() as place:
            for document, text in documents.items():
                (pathlib.Path(place) / document).write_text(text + "\n")
            index = f"bench-checks-{os.getpid()}"
            subprocess.run([kinglet, "index", place, "--index", index], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            found = [answers.ask([kinglet, "--generator", "extractive"], index, row["question"]) for row in rows]
            exact = [(pathlib.Path(place) / pathlib.Path(quote["path"]).name).read_bytes()[slice(*quote["span"])].decode() == quote["quote"] for one in found for quote in one["citations"]]
            subprocess.run([kinglet, "rm", index, "--yes"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        refused = [one["refused"] for one in found]
        bad = [not row["answerable"] for row in rows]
        figures = {
            "refusal: precision": lambda pick: ratio(pick, lambda n: refused[n], lambda n: bad[n]),
            "refusal: recall": lambda pick: ratio(pick, lambda n: bad[n], lambda n: refused[n]),
            "answerable ones refused": lambda pick: ratio(pick, lambda n: not bad[n], lambda n: refused[n]),
        }
        f1 = {n: 0.0 if refused[n] else answers.token_f1(plain(found[n]["answer"]), row["answers"]) for n, row in enumerate(rows) if row["answerable"]}
        holds = {n: not refused[n] and answers.holds(plain(found[n]["answer"]), rows[n]["answers"]) for n in f1}
        answering = {n: value for n, value in f1.items() if not refused[n]}
        figures["token F1 of answerable ones (refused: 0)"] = lambda pick: average(f1, pick)
        figures["token F1 of those that are answered"] = lambda pick: average(answering, pick)
        figures["the answer holds a right one (refused: no)"] = lambda pick: average(holds, pick)
        points = [(one["answerable"][0]["probability"], not is_bad) for one, is_bad in zip(found, bad) if one.get("answerable")]
        figures["expected calibration error"] = lambda pick: calibration_error([points[n] for n in pick if n < len(points)])
        print(f"\n### {name}, held half: {len(rows)} questions, {sum(bad)} without an answer, over {len(documents)} paragraphs\n\n| | |\n|---|--:|")
        for label, value_of in figures.items():
            print(f"| {label} | {shown(value_of(range(len(rows))), interval(value_of, len(rows), 300))} |")
        print(f"| quotes that are byte for byte in their file | {sum(exact)} of {len(exact)} |", flush=True)


def plain(text):
    return answers.MARK.sub("", answers.UNSUPPORTED.sub("", text))


def ratio(pick, of, those):
    group = [n for n in pick if of(n)]
    return sum(those(n) for n in group) / max(1, len(group))


def average(values, pick):
    there = [values[n] for n in pick if n in values]
    return sum(there) / max(1, len(there))


def overlap(spans, gold):
    """The characters of the spans, of the gold spans, and of both."""
    def letters(them):
        return {(path, at) for path, start, end in them for at in range(start, end)}
    ours, theirs = letters(spans), letters(gold)
    return len(ours), len(theirs), len(ours & theirs)


def citations(kinglet, folder):
    """Characters cited against the gold characters, beside citing the whole passages."""
    rows = rows_of(folder / "legalbench-rag-privacy-qa.jsonl")
    corpus = {row["_id"]: row["text"] for row in rows_of(folder.parent / "beir/legalbench-rag-privacy-qa/corpus.jsonl")}
    with tempfile.TemporaryDirectory() as place:
        for name, text in corpus.items():
            path = pathlib.Path(place) / name.replace("/", "_")
            path.with_suffix(".txt").write_text(text)
        index = f"bench-checks-{os.getpid()}"
        subprocess.run([kinglet, "index", place, "--index", index], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        totals = collections.defaultdict(lambda: [0, 0, 0])
        for row in rows:
            gold = [(span["doc_id"].replace("/", "_").removesuffix(".txt"), span["start"], span["end"]) for span in row["spans"]]
            answer = answers.ask([kinglet, "--generator", "extractive"], index, row["question"])
            hits = json.loads(subprocess.run([kinglet, "search", row["question"], "--index", index, "--json", "-n", "4"], stdout=subprocess.PIPE, text=True).stdout)["hits"]
            texts = {name: (pathlib.Path(place) / name).read_bytes() for name in os.listdir(place)}

            def letters(name, start, end):
                """Places in characters of a span in bytes."""
                before = len(texts[name][:start].decode())
                return name.removesuffix(".txt"), before, before + len(texts[name][start:end].decode())

            def whole(name, passage):
                start = texts[name].decode().find(passage)
                return name.removesuffix(".txt"), start, start + len(passage)
            cited = [letters(pathlib.Path(quote["path"]).name, *quote["span"]) for quote in answer["citations"]]
            found = [whole(pathlib.Path(hit["path"]).name, hit["text"]) for hit in hits]
            for label, spans in [("cited sentences", cited)] + [(f"the first {count} passages, whole", found[:count]) for count in (1, 2, 4)]:
                totals[label] = [one + other for one, other in zip(totals[label], overlap(spans, gold))]
        subprocess.run([kinglet, "rm", index, "--yes"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(f"\n### Citations on {len(rows)} questions about privacy policies, in characters\n\n| | precision | recall |\n|---|--:|--:|")
    for label, (ours, gold, both) in totals.items():
        print(f"| {label} | {both / max(1, ours):.3f} | {both / max(1, gold):.3f} |", flush=True)


def timing(kinglet, folder):
    """An answer of three sentences against four passages of squad2-dev, in a program that is running."""
    texts = list(dict.fromkeys(row["context"] for row in rows_of(folder / "squad2-dev.jsonl")))[:4]
    claims = [{"claim": sentence, "evidence": texts} for sentence in ["The Normans came from Denmark.", "Rollo was a leader of the Vikings.", "The duchy was founded in the tenth century."]]
    def seconds(count):
        start = time.monotonic()
        judged(kinglet, claims * count)
        return time.monotonic() - start
    once = statistics.median((seconds(11) - seconds(1)) / 10 for _ in range(3))
    print(f"\n### Time\n\nChecking three sentences against four passages takes {once:.2f} s, without loading the model.")


def main(arguments):
    count, only = 400, PARTS
    for flag in ["--questions", "--only"]:
        if flag in arguments:
            at = arguments.index(flag)
            value = arguments[at + 1]
            del arguments[at : at + 2]
            count, only = (int(value), only) if flag == "--questions" else (count, value.split(","))
    folder, kinglet = pathlib.Path(arguments[0]), arguments[1]
    parts = {
        "pairs": lambda: pairs(kinglet, folder), "twins": lambda: twins(kinglet), "sentences": lambda: sentences(kinglet, folder),
        "answers": lambda: answered(kinglet, folder, count), "citations": lambda: citations(kinglet, folder), "time": lambda: timing(kinglet, folder),
    }
    for part in only:
        parts[part]()


if __name__ == "__main__":
    main(sys.argv[1:])
