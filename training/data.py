"""Turns the training data and the evaluation sets into one file of token numbers.

    python3 training/data.py DATA BACKBONE OUT [--share 0.02] [--embeddings FOLDER]

DATA holds train/, qa/ and beir/; BACKBONE holds model.onnx and tokenizer.json. OUT becomes training.npz and evaluation.npz (token
numbers, rows) with the names of their sets beside them. What is reported on is never trained on: see `Known`.
"""

import argparse
import collections
import gzip
import hashlib
import json
import pathlib
import random
import re

import numpy as np
from tokenizers import Tokenizer

import made
import text as T

LABELS = ["supported", "partly", "not"]
SUPPORT = {
    "begin": 1.0, "bump": 1.5, "cad_snli": 0.6, "expertqa_claims": 1.5, "factcheck_gpt_stance": 1.0, "faithdial_audit": 1.0, "fever_rte_dev": 0.8,
    "fever_symmetric": 1.5, "fool_me_twice_devtest": 2.0, "mnli_sample": 0.6, "propsegment_wiki_dev": 1.5, "q2_dialogue": 1.0, "silver_compound": 0.5,
    "snli_devtest": 0.25, "summedits": 1.5, "wice_partly_train": 2.0,
}
READER = {
    "boolq_yesno": 0.5, "covidqa_windows": 1.0, "fairytaleqa_explicit": 0.7, "nq_open_oracle": 1.5, "qamr_devtest": 0.4, "qed_dev": 1.0,
    "qnli_dev_sentences": 0.7, "quotesum_dev": 1.0, "silver_unanswerable": 1.0, "squad1_train_sample": 2.0, "squad2_dev_known_titles": 3.0,
    "squadshifts_amazon_reviews": 0.7, "squadshifts_new_wiki": 1.5, "squadshifts_reddit": 0.7,
}
RANKING = {
    "cosqa_dev": 1.0, "medquad": 1.0, "nl2bash": 0.4, "nq_open_oracle": 1.0, "pubmedqa": 1.5, "quotesum_dev": 1.0, "rust_book_sections": 1.5,
    "snippets_30s": 1.0, "squad_nqg_sentences": 0.5, "squadshifts_new_wiki": 1.0, "til_jbranchaud": 1.0, "til_simonw": 1.0, "tldr_pages": 0.5,
}
BEIR = ["adi", "claude-docs", "codebase-chunks", "medline", "cranfield", "cisi", "scifact"]


def half_of(question):
    return ["tune", "held"][int(hashlib.sha256(question.encode()).hexdigest(), 16) % 2]


def letters(text):
    return re.sub(r"\W+", "", text.lower())


def read(path):
    with (gzip.open(path, "rt") if path.suffix == ".gz" else open(path)) as file:
        return [json.loads(line) for line in file]


def validates(text):
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % 40 == 0


class Known:
    """Questions, claims and paragraphs that are reported on: rows that touch them are left out of training."""

    def __init__(self, qa):
        self.questions, self.claims, self.paragraphs = set(), set(), set()
        for name in ["squad2-dev", "clapnq-dev", "poisonedrag-nq", "claude-docs", "codebase-chunks"]:
            for row in read(qa / f"{name}.jsonl"):
                self.questions.add(letters(row["question"]))
                # Paragraphs of which only the tuning half asks may be trained on; those are not used to calibrate either.
                if name == "clapnq-dev" or name == "squad2-dev" and half_of(row["question"]) == "held":
                    self.paragraphs.add(letters(row["context"]))
        for name in ["wice-claim-dev", "scifact-nli-train"]:
            self.claims.update(letters(row["claim"]) for row in read(qa / f"{name}.jsonl"))
        self.joined = "|".join(self.paragraphs)

    def allows(self, question, *passages):
        if letters(question) in self.questions:
            return False
        return not any(letters(passage) in self.paragraphs or letters(passage) in self.joined for passage in passages)


class Pool:
    """Texts as token numbers, each text once."""

    def __init__(self, tokenizer):
        self.tokenizer, self.place, self.ids, self.offsets = tokenizer, {}, [], {}

    def add(self, text, most=480, offsets=False):
        if (text, most) not in self.place:
            encoded = self.tokenizer.encode(text, add_special_tokens=False)
            self.place[text, most] = len(self.ids)
            self.ids.append(np.array(encoded.ids[:most], dtype=np.uint16))
            if offsets:
                self.offsets[len(self.ids) - 1] = encoded.offsets[:most]
        place = self.place[text, most]
        if offsets and place not in self.offsets:
            self.offsets[place] = self.tokenizer.encode(text, add_special_tokens=False).offsets[:most]
        return place

    def size(self, text):
        return len(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def choose(self, parts, claim, budget):
        """The sentences of a long text that matter for a claim, joined by blanks (the same rule is used in the product)."""
        sizes = [self.size(part) for part in parts]
        return " ".join(parts[number] for number in T.choose_sentences(parts, claim, sizes, budget))


class Rows:
    def __init__(self, **kinds):
        self.kinds, self.rows = kinds, []

    def add(self, *row):
        self.rows.append(row)

    def arrays(self, prefix):
        columns = list(zip(*self.rows))
        return {f"{prefix}.{name}": np.array(column, dtype=kind) for (name, kind), column in zip(self.kinds.items(), columns)}


def clean(evidence):
    """Without the mark that one set puts before titles: it would tell which set a text is from."""
    return evidence.replace("(meta data) TITLE: ", "")


def balance(rows, sets):
    """Within each set, supported rows weigh as much as the others, so that the look of a set says nothing about the label."""
    for number in range(len(sets)):
        here = [place for place, row in enumerate(rows.rows) if row[6 - 1] == number]
        good = sum(rows.rows[place][4] for place in here if rows.rows[place][2] == 0)
        rest = sum(rows.rows[place][4] for place in here if rows.rows[place][2] != 0)
        if not good or not rest:
            continue
        half = (good + rest) / 2
        for place in here:
            row = list(rows.rows[place])
            row[4] *= min(2.5, half / (good if row[2] == 0 else rest))
            rows.rows[place] = tuple(row)


def prepare_support(data, pool, known, reader_rows, share, draw):
    rows = Rows(a=np.int32, b=np.int32, y=np.int8, c=np.int8, w=np.float32, set=np.int8, val=bool)
    sets = list(SUPPORT) + ["changed", "copied", "answers", "said", "made"]

    def add(name, evidence, claim, label, contra, weight, val, budget=None):
        parts = T.sentences(evidence)
        budget = budget or draw.choice([150, 230, 230, 330])
        if len(evidence) > 2 * budget:
            evidence = pool.choose(parts, claim, budget)
        rows.add(pool.add(evidence), pool.add(claim, 120), LABELS.index(label), -1 if contra is None else int(contra), weight, sets.index(name), val)

    for name, weight in SUPPORT.items():
        for row in read(data / "train/support" / f"{name}.jsonl.gz"):
            if draw.random() > share or letters(row["claim"]) in known.claims or len(row["claim"]) < 8:
                continue
            claim, evidence = row["claim"], clean(row["evidence"])
            val = validates(evidence)
            add(name, evidence, claim, row["label"], row["contradiction"], weight, val)
            if row["label"] != "supported" or name in ("snli_devtest", "propsegment_wiki_dev") and draw.random() < 0.7:
                continue
            there = [match.group() for match in T.names(evidence)]
            numbers = [match.group() for match in T.NUMBER.finditer(evidence)]
            for kind in draw.sample(["number", "name", "negate", "oppose", "roles", "evidence"], 3):
                new = old = None
                if kind == "number":
                    new = T.swap_number(claim, draw, numbers)
                elif kind == "name":
                    new = T.swap_name(claim, draw, there)
                elif kind == "negate" and draw.random() < 0.4:
                    new = T.negate(claim, draw)
                elif kind == "oppose":
                    new = T.oppose(claim, draw)
                elif kind == "roles":
                    new = T.swap_roles(claim, draw)
                elif kind == "evidence":
                    shared = [match.group() for match in T.NUMBER.finditer(claim) if match.group() in numbers]
                    if shared:
                        old = shared[0]
                        other = T.other_number(old, draw)
                        add("changed", re.sub(rf"(?<![\w.,]){re.escape(old)}(?![\w])", other, evidence), claim, "not", None, 0.7, val)
                if new and new != claim:
                    add("changed", evidence, new, "not", True if kind in ("number", "negate", "oppose") else None, 0.5, val)

    def changed_ones(claim, context):
        there = [match.group() for match in T.names(context)]
        numbers = [match.group() for match in T.NUMBER.finditer(context)]
        changes = [T.swap_number(claim, draw, numbers), T.swap_name(claim, draw, there), T.swap_roles(claim, draw), T.negate(claim, draw), T.oppose(claim, draw)]
        return [change for change in changes if change and change != claim]

    def copied(context, val, weight):
        """A sentence of a text: true as it stands, made shorter or said a little differently; false when changed or when it is taken
        out of the text; two sentences of which one is taken out are partly true."""
        parts = T.sentences(context)
        good = [number for number, part in enumerate(parts) if 40 < len(part) < 300]
        if len(parts) < 3 or not good:
            return
        one = draw.choice(good)
        claim = T.say_differently(T.shorten(parts[one], draw) if draw.random() < 0.7 else parts[one], draw)
        rest = [part for number, part in enumerate(parts) if number != one]
        kind = draw.random()
        if kind < 0.45:
            add("copied", context, claim, "supported", False, weight, val)
            changes = changed_ones(claim, context)
            if changes:
                add("copied", context, draw.choice(changes), "not", True, weight, val)
        elif kind < 0.7:
            add("copied", " ".join(rest), claim, "not", None, weight, val)
            add("copied", context, claim, "supported", False, weight, val)
        elif len(good) > 1:
            two = draw.choice([number for number in good if number != one])
            both = " ".join(T.shorten(parts[number], draw) for number in draw.sample([one, two], 2))
            if draw.random() < 0.6:
                add("copied", " ".join(rest), both, "partly", None, weight, val)
            add("copied", context, both, "supported", False, weight, val)

    # Questions with their right and wrong answers, as sentences where the form of the question allows it.
    seen = set()
    for number, (question, context, answers, answerable, val) in enumerate(reader_rows):
        if draw.random() > share:
            continue
        if context not in seen:
            seen.add(context)
            copied(context, val, 0.5)
        others = [m.group() for m in T.names(context)] + [m.group() for m in T.NUMBER.finditer(context)]
        if not others or draw.random() < 0.25:
            continue
        if answerable and answers:
            answer = answers[0]
            said = T.statement(question, answer)
            name, weight = ("said", 0.8) if said else ("answers", 0.15)
            other = [one for one in others if one not in answer and answer not in one]
            like = [one for one in other if one[0].isdigit() == answer[0].isdigit()]
            add(name, context, said or f"{question} {answer}", "supported", False, weight, val)
            if other:
                wrong = draw.choice(like or other)
                add(name, context, (T.statement(question, wrong) if said else None) or f"{question} {wrong}", "not", None, weight, val)
        elif not answerable:
            wrong = draw.choice(others)
            said = T.statement(question, wrong)
            add("said" if said else "answers", context, said or f"{question} {wrong}", "not", None, 0.5 if said else 0.2, val)
    for name in ("wice_partly_train", "summedits", "bump", "expertqa_claims", "factcheck_gpt_stance", "faithdial_audit", "propsegment_wiki_dev", "fool_me_twice_devtest"):
        for row in read(data / "train/support" / f"{name}.jsonl.gz"):
            if draw.random() < share and row["evidence"] not in seen:
                seen.add(row["evidence"])
                for _ in range(3 if name == "wice_partly_train" else 1):
                    copied(clean(row["evidence"]), validates(row["evidence"]), 0.8)
    for evidence, claim, true in made.rows(draw, int(18000 * share)):
        add("made", evidence, claim, "supported" if true else "not", None, 0.6, validates(evidence))
    balance(rows, sets)
    return rows, sets


def prepare_reader(data, pool, known, share, draw):
    rows = Rows(a=np.int32, b=np.int32, s=np.int16, e=np.int16, y=np.int8, w=np.float32, set=np.int8, val=bool)
    sets = list(READER) + ["changed", "removed", "renamed"]
    plain, lost = [], collections.Counter()

    def add(name, question, context, answer, answerable, weight, val):
        """`answer`: (text, start), or None. Spans of unanswerable rows stand at [CLS]: -2; rows without a span: -1."""
        place = pool.add(context, 480, offsets=True)
        start = end = -2
        if answerable:
            start = end = -1
            if answer:
                begin, stop = answer[1], answer[1] + len(answer[0])
                inside = [number for number, (a, b) in enumerate(pool.offsets[place]) if a < stop and b > begin]
                if not inside or inside[-1] > 340:
                    lost[name] += 1
                    return
                start, end = inside[0], inside[-1]
        rows.add(pool.add(question, 64), place, start, end, int(answerable), weight, sets.index(name), val)

    everything, names_of = [], collections.defaultdict(list)
    for name, weight in READER.items():
        for row in read(data / "train/reader" / f"{name}.jsonl.gz"):
            if draw.random() > share:
                continue
            if not known.allows(row["question"], row["context"]):
                lost["reported on: " + name] += 1
                continue
            everything.append((name, weight, row))
    for name, weight, row in everything:
        question, context, answers = row["question"], row["context"], row["answers"]
        answer = (answers[0]["text"], answers[0]["start"]) if answers else None
        val = validates(context)
        add(name, question, context, answer, row["answerable"], weight, val)
        plain.append((question, context, [one["text"] for one in answers], row["answerable"], val))
        if not answer or name in ("qamr_devtest", "covidqa_windows") and draw.random() < 0.6:
            continue
        wiki = name in ("squad1_train_sample", "squadshifts_new_wiki", "nq_open_oracle", "squad2_dev_known_titles", "qed_dev")
        if draw.random() > (1.0 if wiki else 0.4):
            continue
        there = [match.group() for match in T.names(context)]
        numbers = [match.group() for match in T.NUMBER.finditer(context)]
        made_ones = [
            T.swap_name(question, draw, there + names_of[name][-20:]), T.swap_number(question, draw, numbers), T.oppose(question, draw),
            T.negate(question, draw) if draw.random() < 0.4 else None, T.swap_roles(question, draw),
        ]
        names_of[name] += there[:3]
        made_ones = [one for one in made_ones if one and one != question]
        draw.shuffle(made_ones)
        for one in made_ones[: 2 if wiki else 1]:
            add("changed", one, context, None, False, 0.7, val)
        # The paragraph without the sentences that hold an answer.
        if draw.random() < 0.35:
            parts = T.sentences(context)
            rest = [part for part in parts if not any(one["text"].lower() in part.lower() for one in answers)]
            if 2 <= len(rest) < len(parts) and not any(one["text"].lower() in " ".join(rest).lower() for one in answers):
                add("removed", question, " ".join(rest), None, False, 0.7, val)
        # A name that is changed in the question and in the paragraph: still answerable.
        shared = [match.group() for match in T.names(question) if match.group() in there and match.group() not in answer[0]]
        if shared and draw.random() < 0.5:
            old = draw.choice(shared)
            others = [other for other in names_of[name] if other not in context and other not in question and other.count(" ") == old.count(" ")]
            if others:
                new = draw.choice(others)
                before = context[: answer[1]].replace(old, new)
                changed = before + answer[0] + context[answer[1] + len(answer[0]) :].replace(old, new)
                add("renamed", question.replace(old, new), changed, (answer[0], len(before)), True, 0.5, val)
    print("reader: left out", dict(lost))
    return rows, sets, plain


def prepare_ranking(data, pool, known, share, draw):
    rows = Rows(q=np.int32, first=np.int32, count=np.int8, w=np.float32, set=np.int8, val=bool)
    documents, sets = [], list(RANKING)
    for name, weight in RANKING.items():
        for row in read(data / "train/ranking" / f"{name}.jsonl.gz"):
            if draw.random() > share or not row["positives"] or not row["negatives"]:
                continue
            if not known.allows(row["query"], *row["positives"]):
                continue
            positive = draw.choice(row["positives"])
            negatives = draw.sample(row["negatives"], min(3, len(row["negatives"])))
            rows.add(pool.add(row["query"], 64), len(documents), 1 + len(negatives), weight, sets.index(name), validates(row["query"]))
            documents += [pool.add(one, 230) for one in [positive, *negatives]]
    return rows, documents, sets


def porter(word):
    """A light stemmer for the first stage."""
    for end, new in (("ational", "ate"), ("ization", "ize"), ("fulness", "ful"), ("iveness", "ive"), ("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", ""), ("ly", ""), ("ment", ""), ("ness", "")):
        if word.endswith(end) and len(word) - len(end) >= 3 and not (end == "s" and word.endswith(("ss", "us"))):
            return word[: -len(end)] + new
    return word


class Bm25:
    def __init__(self, texts, k1=0.9, b=0.4):
        self.lists, lengths = collections.defaultdict(list), []
        for number, one in enumerate(texts):
            counts = collections.Counter(porter(word) for word in T.words(one))
            lengths.append(sum(counts.values()))
            for word, count in counts.items():
                self.lists[word].append((number, count))
        lengths = np.array(lengths, dtype=np.float32)
        norm = k1 * (1 - b + b * lengths / lengths.mean())
        self.count = len(texts)
        for word, found in self.lists.items():
            places = np.array([number for number, _ in found])
            counts = np.array([count for _, count in found], dtype=np.float32)
            value = np.log(1 + (self.count - len(found) + 0.5) / (len(found) + 0.5))
            self.lists[word] = (places, value * counts * (k1 + 1) / (counts + norm[places]))

    def scores(self, query):
        scores = np.zeros(self.count, dtype=np.float32)
        for word in T.words(query):
            if porter(word) in self.lists:
                places, values = self.lists[porter(word)]
                scores[places] += values
        return scores


def hybrid(lexical, dense, top=1000):
    """BM25 and cosine, each scaled to 0..1 over its own best 1000, added."""
    total = np.zeros(len(lexical), dtype=np.float32)
    for scores in (lexical, dense):
        best = np.argsort(-scores, kind="stable")[:top]
        low, high = scores[best].min(), scores[best].max()
        total[best] += (scores[best] - low) / max(high - low, 1e-9)
    return total


class Pairs:
    """An evaluation set: pairs of texts with a group (the claim or question they belong to) and a kind."""

    def __init__(self):
        self.a, self.b, self.group, self.kind = [], [], [], []

    def add(self, a, b, group, kind=0):
        self.a.append(a), self.b.append(b), self.group.append(group), self.kind.append(kind)

    def arrays(self, name):
        return {f"eval.{name}.{part}": np.array(getattr(self, part), dtype=np.int32) for part in ("a", "b", "group", "kind")}


def windows(parts, sizes, budget):
    """Runs of sentences within a budget, each beginning half a budget after the last."""
    start = 0
    while start < len(parts):
        end, used = start, 0
        while end < len(parts) and (end == start or used + sizes[end] <= budget):
            used += sizes[end]
            end += 1
        yield " ".join(parts[start:end])
        if end >= len(parts):
            break
        half, step = used / 2, start
        while step < end and half > 0:
            half -= sizes[step]
            step += 1
        start = max(step, start + 1)


KINDS = ["chosen 230", "chosen 350", "windows 200", "sentences", "sentence and neighbours", "gold", "chosen 120"]


def claim_pairs(pool, pairs, group, claim, parts, gold):
    sizes = [pool.size(part) for part in parts]
    b = pool.add(claim, 120)
    for kind, budget in ((0, 230), (1, 350), (6, 120)):
        pairs.add(pool.add(" ".join(parts[n] for n in T.choose_sentences(parts, claim, sizes, budget))), b, group, kind)
    for window in windows(parts, sizes, 200):
        pairs.add(pool.add(window), b, group, 2)
    wanted = T.stems(claim)
    best = sorted(range(len(parts)), key=lambda n: -len(wanted & T.stems(parts[n])))[:20]
    for number in best:
        pairs.add(pool.add(parts[number]), b, group, 3)
        pairs.add(pool.add(" ".join(parts[max(0, number - 1) : number + 2])), b, group, 4)
    if gold:
        pairs.add(pool.add(" ".join(parts[n] for n in sorted(gold) if n < len(parts))), b, group, 5)


def prepare_evaluation(data, pool, embeddings, twins):
    out = {}
    pairs = out["wice"] = Pairs()
    for group, row in enumerate(read(data / "qa/wice-claim-dev.jsonl")):
        claim_pairs(pool, pairs, group, row["claim"], [clean(part) for part in row["evidence"]], row["supporting_sentences"][0] if row["supporting_sentences"] else None)
    pairs = out["scifact-pairs"] = Pairs()
    for group, row in enumerate(read(data / "qa/scifact-nli-train.jsonl")):
        claim_pairs(pool, pairs, group, row["claim"], [row["title"], *(part.strip() for part in row["evidence"])], None)
    pairs = out["twins"] = Pairs()
    for group, row in enumerate(twins):
        for kind, name in enumerate(["true", "false"]):
            pairs.add(pool.add(row["evidence"]), pool.add(row[name], 120), group, kind)
    for name in ["squad2-dev", "clapnq-dev"]:
        rows = read(data / f"qa/{name}.jsonl")
        given = out[name] = Pairs()
        contexts = list(dict.fromkeys(row["context"] for row in rows))
        places = {context: number for number, context in enumerate(contexts)}
        lexical = Bm25(contexts)
        vectors = np.load(embeddings / f"{name}.npz") if embeddings and (embeddings / f"{name}.npz").exists() else None
        found = out[name + " found"] = Pairs()
        for group, row in enumerate(rows):
            question = pool.add(row["question"], 64)
            given.add(question, pool.add(row["context"], 480, offsets=True), group, places[row["context"]])
            if vectors is not None:
                total = hybrid(lexical.scores(row["question"]), vectors["d"] @ vectors["q"][group])
                for place in np.argsort(-total, kind="stable")[:5]:
                    found.add(question, pool.add(contexts[place], 480, offsets=True), group, int(place))
    for name in BEIR if embeddings else []:
        folder = data / "beir" / name
        if not (embeddings / f"{name}.npz").exists():
            continue
        pairs = out["beir " + name] = Pairs()
        documents, queries = read(folder / "corpus.jsonl"), read(folder / "queries.jsonl")
        judged = {line.split("\t")[0] for line in (folder / "qrels/test.tsv").read_text().splitlines()[1:]}
        texts = [((row.get("title") or "") + " " + row["text"]).strip() for row in documents]
        vectors, lexical = np.load(embeddings / f"{name}.npz"), Bm25(texts)
        dense = vectors["d"].astype(np.float32)
        for group, row in enumerate(queries):
            if row["_id"] not in judged:
                continue
            total = hybrid(lexical.scores(row["text"]), dense @ vectors["q"][group].astype(np.float32))
            for place in np.argsort(-total, kind="stable")[:50]:
                # The first-stage score is kept beside the document's number, as a whole number.
                pairs.add(pool.add(row["text"], 64), pool.add(texts[place], 230), group, int(place) * 100000 + int(total[place] * 40000))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("backbone", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--embeddings", type=pathlib.Path, help="the folder of embed.py; without it nothing is retrieved or ranked")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["training", "evaluation"])
    given = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(given.backbone / "tokenizer.json"))
    tokenizer.no_truncation(), tokenizer.no_padding()
    given.out.mkdir(parents=True, exist_ok=True)

    def write(name, pool, arrays, about):
        arrays["pool.ids"] = np.concatenate(pool.ids)
        arrays["pool.ends"] = np.cumsum([len(ids) for ids in pool.ids]).astype(np.int64)
        np.savez(given.out / f"{name}.npz", **arrays)
        (given.out / f"{name}.json").write_text(json.dumps(about, indent=1))
        print(name, json.dumps(about), len(arrays["pool.ids"]), "tokens", flush=True)

    if given.only != "evaluation":
        pool, known, draw = Pool(tokenizer), Known(given.data / "qa"), random.Random(given.seed)
        reader, reader_sets, plain = prepare_reader(given.data, pool, known, given.share, draw)
        support, support_sets = prepare_support(given.data, pool, known, plain, given.share, draw)
        ranking, documents, ranking_sets = prepare_ranking(given.data, pool, known, given.share, draw)
        arrays = reader.arrays("reader") | support.arrays("support") | ranking.arrays("relevance")
        arrays["relevance.documents"] = np.array(documents, dtype=np.int32)
        about = {}
        for task, names in (("support", support_sets), ("reader", reader_sets), ("relevance", ranking_sets)):
            sets, val = arrays[task + ".set"], arrays[task + ".val"]
            about[task] = {name: [int((sets == number).sum()), int((sets[val] == number).sum())] for number, name in enumerate(names)}
        write("training", pool, arrays, about)
    if given.only != "training":
        pool = Pool(tokenizer)
        evaluation = prepare_evaluation(given.data, pool, given.embeddings, read(pathlib.Path(__file__).parent / "twins.jsonl"))
        arrays = {}
        for name, pairs in evaluation.items():
            arrays |= pairs.arrays(name)
        write("evaluation", pool, arrays, {name: len(pairs.a) for name, pairs in evaluation.items()})


if __name__ == "__main__":
    main()
