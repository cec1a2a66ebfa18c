"""Figures with 95 % intervals from the scores of runs.

    python3 training/evaluate.py DATA PREPARED RUNS [NAME …] [--json OUT]

RUNS holds a folder with scores.npz for each run; `cosine` among them is the baseline of the untouched backbone. Intervals are the 2.5 and 97.5 %
points of 1,000 resamplings of claims, questions or queries (seed 1). A threshold for a set that has no tuning half of its own is taken from the one
half of the set for the other and the other way round (halves by a hash of the claim); "at 0" is the threshold of the training alone.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import re

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.pipeline import make_pipeline
from tokenizers import Tokenizer

import data as D
import rules
import text as T
from train import auc


def interval(values_of, count, times=1000):
    draw = np.random.default_rng(1)
    found = [values_of(draw.integers(0, count, count)) for _ in range(times)]
    return [round(float(x), 3) for x in np.nanpercentile(found, [2.5, 97.5])]


def balanced(right, y):
    return (right[y == 1].mean() + right[y == 0].mean()) / 2


def threshold(score, y):
    """The middle of the range with the best balanced accuracy."""
    order = np.sort(np.unique(score))
    tries = np.concatenate([[order[0] - 1], (order[1:] + order[:-1]) / 2, [order[-1] + 1]])
    values = np.array([balanced((score > t) == (y == 1), y) for t in tries])
    best = np.flatnonzero(values >= values.max() - 0.005)
    return float(tries[best[len(best) // 2]])


def halves(texts):
    return np.array([int(hashlib.sha256(one.encode()).hexdigest(), 16) % 2 for one in texts])


def crossed(score, y, half):
    """Right or wrong for each, with the other half's threshold."""
    right = np.zeros(len(y), bool)
    for one in (0, 1):
        here = half == one
        right[here] = (score[here] > threshold(score[~here], y[~here])) == (y[here] == 1)
    return right


def fitted(features, y, half):
    """Probabilities of logistic regression, each half from the other."""
    out = np.zeros(len(y))
    for one in (0, 1):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000))
        out[half == one] = model.fit(features[half != one], y[half != one]).predict_proba(features[half == one])[:, 1]
    return out


def margin(out):
    """Supported against the rest, as a logit."""
    out = out.astype(np.float64)
    return out[:, 0] - np.logaddexp(out[:, 1], out[:, 2])


def grouped(values, group, kind, which, count, how=np.max, empty=-20.0):
    out = np.full(count, empty)
    here = kind == which
    for number in np.unique(group[here]):
        out[number] = how(values[here & (group == number)])
    return out


def normal(text):
    return re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w ]", " ", text.lower())).split()


def token_f1(text, answers):
    def one(answer):
        given, wanted = normal(text), normal(answer)
        common = sum((collections.Counter(given) & collections.Counter(wanted)).values())
        return 2 * common / (len(given) + len(wanted)) if common else 0.0
    return max(one(answer) for answer in answers)


def ece(probability, y, bins=10):
    """Expected calibration error, ten bins of equal width."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    return float(sum(here.sum() * abs(probability[here].mean() - y[here].mean()) for here in (place == number for number in range(bins)) if here.any()) / len(y))


def overlap(claim, evidence):
    wanted = T.stems(claim)
    return len(wanted & T.stems(evidence)) / max(1, len(wanted))


class Sets:
    def __init__(self, data, prepared, tokenizer):
        self.data, self.pairs = data, np.load(prepared / "evaluation.npz")
        self.tokenizer = tokenizer
        self.rows = {
            "wice": D.read(data / "qa/wice-claim-dev.jsonl"), "scifact-pairs": D.read(data / "qa/scifact-nli-train.jsonl"),
            "squad2-dev": D.read(data / "qa/squad2-dev.jsonl"), "clapnq-dev": D.read(data / "qa/clapnq-dev.jsonl"),
            "twins": D.read(pathlib.Path(__file__).parent / "twins.jsonl"),
        }
        self.kept = {}

    def get(self, name, part):
        return self.pairs[f"eval.{name}.{part}"]

    def texts(self, places):
        ends = self.pairs["pool.ends"]
        ids = self.pairs["pool.ids"]
        return [self.tokenizer.decode(ids[(ends[p - 1] if p else 0) : ends[p]].tolist()) for p in places]

    def overlaps(self, name):
        if name not in self.kept:
            a, b = self.texts(self.get(name, "a")), self.texts(self.get(name, "b"))
            self.kept[name] = np.array([overlap(claim, evidence) for evidence, claim in zip(a, b)])
        return self.kept[name]


def claims(sets, name, scores, base):
    """Balanced accuracy of "supported or not" on WiCE or SciFact pairs."""
    rows = sets.rows[name]
    y = np.array([row["label"].lower() in ("supported", "support") for row in rows]).astype(int)
    half = halves([row["claim"] for row in rows])
    group, kind, count = sets.get(name, "group"), sets.get(name, "kind"), len(rows)
    table = {}

    def line(label, score, at=None):
        right = crossed(score, y, half) if at is None else (score > at) == (y == 1)
        value = balanced(right, y)
        table[label] = {"balanced": round(float(value), 3), "interval": interval(lambda rows: balanced(right[rows], y[rows]), count), "auc": round(auc(score, y), 3)}
        return right

    lexical = sets.overlaps(name)
    features = [grouped(lexical, group, kind, k, count, empty=0.0) for k in (0, 2, 3)]
    whole = np.array([overlap(row["claim"], " ".join(row["evidence"])) for row in rows])
    line("words in common, whole text", whole)
    words_right = line("words in common, window", features[1])
    line("words in common, sentence", features[2])
    if base is not None:
        cosines = base[name][:, 0].astype(np.float64)
        more = [grouped(cosines, group, kind, k, count, empty=0.0) for k in (2, 3)]
        line("cosine, window", more[0]), line("cosine, sentence", more[1])
        line("features, logistic regression", fitted(np.stack(features + more + [np.array([len(r["claim"]) for r in rows])], 1), y, half), 0.5)
    else:
        more = []
    if scores is not None:
        out = margin(scores[name])
        columns = {D.KINDS[k]: grouped(out, group, kind, k, count) for k in (0, 1, 2, 3, 4, 6)}
        for label, column in columns.items():
            right = line(label, column)
            table[label]["over words"] = interval(lambda rows: balanced(right[rows], y[rows]) - balanced(words_right[rows], y[rows]), count)
        line("chosen 230, at 0", columns["chosen 230"], 0.0)
        mean = np.mean([columns["chosen 230"], columns["windows 200"], columns["sentence and neighbours"]], 0)
        line("mean of three", mean), line("mean of three, at 0", mean, 0.0)
        few = np.stack([columns["windows 200"], columns["sentence and neighbours"], features[1], features[2]], 1)
        right = line("scores and words (four features)", fitted(few, y, half), 0.5)
        table["scores and words (four features)"]["over words"] = interval(lambda rows: balanced(right[rows], y[rows]) - balanced(words_right[rows], y[rows]), count)
        line("scores and features", fitted(np.stack([*columns.values(), *features, *more], 1), y, half), 0.5)
        if name == "wice":
            gold = grouped(out, group, kind, 5, count)
            here = gold > -19
            table["gold sentences: supported against partly"] = {"auc": round(auc(gold[here], y[here]), 3)}
        else:
            against = 1 / (1 + np.exp(-scores[name][:, 3].astype(np.float64)))
            worst = grouped(against, group, kind, 0, count)
            contra = np.array([row["label"] == "CONTRADICT" for row in rows]).astype(int)
            known = np.array([row["label"] != "NOT_ENOUGH_INFO" for row in rows])
            table["contradicted against supported"] = {"auc": round(auc(worst[known], contra[known]), 3)}
            table["contradicted against the rest"] = {"auc": round(auc(worst, contra), 3)}
    return table


COMBINED = ["best window", "best sentence with its neighbours", "words in common, window", "rare words in common, whole text", "a number, code or name is lacking", "score and words, sentence with its neighbours"]


def combined_features(sets, name, scores):
    """Six figures for a claim and a long text; the last adds 6 × the share of words in common to the score of each pair before the best is taken."""
    rows, group, kind = sets.rows[name], sets.get(name, "group"), sets.get(name, "kind")
    out, lexical, count = margin(scores[name]), sets.overlaps(name), len(rows)
    rare, lacking = np.zeros(count), np.zeros(count)
    for number, row in enumerate(rows):
        parts, wanted = [T.stems(part) for part in row["evidence"]], T.stems(row["claim"])
        often = collections.Counter(word for part in parts for word in part)
        weight = {word: np.log(1 + len(parts) / (often[word] + 0.5)) for word in wanted}
        rare[number] = sum(weight[word] for word in wanted if often[word]) / max(1e-9, sum(weight.values()))
        lacking[number] = rules.lacking(row["claim"], " ".join(row["evidence"]))
    best = lambda values, which, empty=-20.0: grouped(values, group, kind, which, count, empty=empty)
    y = np.array([row["label"].lower() in ("supported", "support") for row in rows]).astype(int)
    return np.stack([best(out, 2), best(out, 4), best(lexical, 2, 0.0), rare, lacking, best(out + 6 * lexical, 4)], 1), y


def combined(sets, scores):
    """Logistic regression on the six: within each set by five folds, and learned on one set and used on the other."""
    table, given = {}, {name: combined_features(sets, name, scores) for name in ("wice", "scifact-pairs")}
    new = lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000))
    for name, (x, y) in given.items():
        fold = np.array([int(hashlib.sha256(row["claim"].encode()).hexdigest(), 16) % 5 for row in sets.rows[name]])
        other = given["scifact-pairs" if name == "wice" else "wice"]
        for columns, what in (([2, 3, 4], "words alone"), (list(range(6)), "words and scores")):
            found = {"five folds": np.zeros(len(y)), "learned on the other set": new().fit(other[0][:, columns], other[1]).predict_proba(x[:, columns])[:, 1]}
            for number in range(5):
                here = fold == number
                found["five folds"][here] = new().fit(x[~here][:, columns], y[~here]).predict_proba(x[here][:, columns])[:, 1]
            plain = crossed(x[:, 2], y, fold % 2)
            for how, p in found.items():
                right = (p > 0.5) == (y == 1)
                table[f"{name}: {what}, {how}"] = {
                    "balanced": round(float(balanced(right, y)), 3), "interval": interval(lambda rows: balanced(right[rows], y[rows]), len(y)), "auc": round(auc(p, y), 3),
                    "over words in common": round(float(balanced(right, y) - balanced(plain, y)), 3), "interval of that": interval(lambda rows: balanced(right[rows], y[rows]) - balanced(plain[rows], y[rows]), len(y)),
                }
    model = new().fit(np.concatenate([x for x, _ in given.values()]), np.concatenate([y for _, y in given.values()]))
    table["both sets together"] = {**parameters(model), "features": COMBINED}
    return table


def span_text(tokenizer, context, first, last, kept={}):
    if context not in kept:
        kept[context] = tokenizer.encode(context, add_special_tokens=False).offsets
    offsets = kept[context]
    if first < 0 or first >= len(offsets):
        return ""
    return context[offsets[int(first)][0] : offsets[min(int(last), len(offsets) - 1)][1]]


def reader(sets, scores, base, name="squad2-dev"):
    rows = sets.rows[name]
    out = scores[name]
    half = np.array([D.half_of(row["question"]) for row in rows])
    y = np.array([row["answerable"] for row in rows]).astype(int)
    texts = [span_text(sets.tokenizer, row["context"], *line[:2]) for row, line in zip(rows, out)]
    f1 = np.array([token_f1(text, row["answers"]) if row["answerable"] else np.nan for text, row in zip(texts, rows)])
    table = {}
    for one in ("tune", "held"):
        here = np.flatnonzero((half == one) & (y == 1))
        exact = np.array([any(normal(texts[n]) == normal(answer) for answer in rows[n]["answers"]) for n in here])
        table[f"F1 {one}"] = {"f1": round(float(f1[here].mean()), 3), "interval": interval(lambda pick: f1[here][pick].mean(), len(here)), "exact": round(float(exact.mean()), 3), "n": len(here)}
    held_contexts = {row["context"] for row, one in zip(rows, half) if one == "held"}
    # Calibrated on tuning questions whose paragraphs were not trained on.
    fit = np.flatnonzero((half == "tune") & np.array([row["context"] in held_contexts for row in rows])) if name == "squad2-dev" else np.flatnonzero(half == "tune")
    held = np.flatnonzero(half == "held")
    names = [rules.question_features(row["question"], row["context"], text) for row, text in zip(rows, texts)]
    words = np.array(names, dtype=float)
    raw = {"answerable": out[:, 4], "span against none": out[:, 2] - out[:, 3], "words in common": words[:, 0]}
    if base is not None:
        raw["cosine"] = base[name][:, 0].astype(np.float64)
    raw["both"] = np.stack([out[:, 4], out[:, 2] - out[:, 3]], 1)
    raw["words and names alone, logistic regression"] = words
    raw["both and words"] = np.concatenate([raw["both"], words], 1)
    if "answers " + name in scores:
        supports = scores["answers " + name].astype(np.float64)
        raw["support of the answer"] = margin(supports)
        raw["both and support"] = np.concatenate([raw["both"], margin(supports)[:, None]], 1)
        raw["both, words, support"] = np.concatenate([raw["both and words"], margin(supports)[:, None]], 1)
    for label, columns in raw.items():
        columns = columns.reshape(len(rows), -1)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)).fit(columns[fit], y[fit])
        table["refusal: " + label] = refusal(model.predict_proba(columns[fit])[:, 1], y[fit], model.predict_proba(columns[held])[:, 1], y[held])
        table["refusal: " + label]["model"] = parameters(model)
    return table


def found(sets, scores, name="squad2-dev"):
    """The same over real retrieval: the five best paragraphs of all (BM25 and cosine, each scaled), the best span of them."""
    rows = sets.rows[name]
    contexts = list(dict.fromkeys(row["context"] for row in rows))
    out, group, kind = scores[name + " found"], sets.get(name + " found", "group"), sets.get(name + " found", "kind")
    rank = np.arange(len(group)) % 5
    half = np.array([D.half_of(row["question"]) for row in rows])
    y = np.array([row["answerable"] for row in rows]).astype(int)
    held_contexts = {row["context"] for row, one in zip(rows, half) if one == "held"}
    table, best_table = {}, None
    for cost in (0.0, 0.5, 1.0, 2.0):
        score = out[:, 2] - out[:, 3] + 0.5 * out[:, 4] - cost * (rank > 0)
        pick = np.array([np.flatnonzero(group == number)[np.argmax(score[group == number])] for number in range(len(rows))])
        texts = [span_text(sets.tokenizer, contexts[kind[p]], *out[p, :2]) for p in pick]
        f1 = np.array([token_f1(text, row["answers"]) if row["answerable"] else np.nan for text, row in zip(texts, rows)])
        tune = f1[(half == "tune") & (y == 1)].mean()
        if best_table is None or tune > best_table[0]:
            best_table = (tune, cost, pick, texts, f1)
    _, cost, pick, texts, f1 = best_table
    here = np.flatnonzero((half == "held") & (y == 1))
    right = np.array([any(contexts[kind[p]] == rows[n]["context"] for p in np.flatnonzero(group == n)) for n in here])
    table["F1 held, best of five"] = {"f1": round(float(f1[here].mean()), 3), "interval": interval(lambda rows: f1[here][rows].mean(), len(here)), "right paragraph among five": round(float(right.mean()), 3), "cost of a later paragraph": cost}
    words = np.array([rules.question_features(row["question"], contexts[kind[p]], text) for row, p, text in zip(rows, pick, texts)], dtype=float)
    second = np.array([np.sort(out[group == number, 4])[-2] for number in range(len(rows))])
    both = np.stack([out[pick, 4], out[pick, 2] - out[pick, 3]], 1)
    fit = np.flatnonzero((half == "tune") & np.array([row["context"] in held_contexts for row in rows]))
    held = np.flatnonzero(half == "held")
    for label, columns in {"both": both, "both, words": np.concatenate([both, words], 1), "both, second": np.concatenate([both, second[:, None]], 1), "both, second, words": np.concatenate([both, second[:, None], words], 1)}.items():
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)).fit(columns[fit], y[fit])
        table["refusal: " + label] = refusal(model.predict_proba(columns[fit])[:, 1], y[fit], model.predict_proba(columns[held])[:, 1], y[held])
        table["refusal: " + label]["model"] = parameters(model)
    return table


def parameters(model):
    """probability = 1 / (1 + exp(-(bias + sum of weight × (feature - mean) / scale)))"""
    return {"mean": model[0].mean_.round(4).tolist(), "scale": model[0].scale_.round(4).tolist(), "weight": model[1].coef_[0].round(4).tolist(), "bias": round(float(model[1].intercept_[0]), 4)}


def refusal(fit, fit_y, probability, y, most_refused=0.13):
    """Refuse when the calibrated probability of an answer is below the point at which `most_refused` of the answerable tuning questions are refused."""
    at = np.quantile(fit[fit_y == 1], most_refused)

    def figures(rows):
        refused, bad = probability[rows] < at, y[rows] == 0
        hit = (refused & bad).sum()
        return [hit / max(1, refused.sum()), hit / max(1, bad.sum()), (refused & ~bad).sum() / max(1, (~bad).sum())]
    all_rows = np.arange(len(y))
    steps = IsotonicRegression(out_of_bounds="clip").fit(fit, fit_y)
    precision, recall, lost = figures(all_rows)
    free = []
    for value in np.unique(probability):
        refused, bad = probability < value, y == 0
        if (refused & ~bad).sum() <= 0.15 * (~bad).sum():
            free.append((refused & bad).sum() / bad.sum())
    return {
        "refuse below": round(float(at), 4), "precision": round(float(precision), 3), "recall": round(float(recall), 3), "answerable refused": round(float(lost), 3),
        "intervals": [interval(lambda rows, n=n: figures(rows)[n], len(y)) for n in range(3)], "auc": round(auc(probability, y), 3),
        "ece platt": round(ece(probability, y), 3), "ece isotonic": round(ece(steps.predict(probability), y), 3), "most recall at 15 % lost": round(float(max(free)), 3),
    }


def twins(sets, scores, at=0.0):
    rows = sets.rows["twins"]
    group, kind = sets.get("twins", "group"), sets.get("twins", "kind")
    out = margin(scores["twins"])
    true, false = out[kind == 0], out[kind == 1]
    block = np.array([[rules.conflicts(row[which], row["evidence"]) for which in ("true", "false")] for row in rows])
    kinds = np.array([row["kind"] for row in rows])
    model = (true > at) & (false <= at)
    both = (true > at) & ~block[:, 0] & ((false <= at) | block[:, 1])
    table = {
        "model alone": int(model.sum()), "with rules": int(both.sum()), "true above false": int((true > false).sum()), "rules alone": int((~block[:, 0] & block[:, 1]).sum()),
        "kinds": {name: [int(model[kinds == name].sum()), int(both[kinds == name].sum()), int((kinds == name).sum())] for name in dict.fromkeys(kinds)},
        "true said to be unsupported": int((true <= at).sum()), "false said to be supported": int((false > at).sum()),
        "missed": [row["id"] for row, ok in zip(rows, both) if not ok],
    }
    return table


def ranking(sets, scores, base=None):
    """nDCG@10 of the first stage, of the model alone, and of first stage + weight × score; the weight is chosen on cisi."""
    out, weights = {}, [0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0]
    for name in [name[5:] for name in scores if name.startswith("beir ")]:
        group, kind, y = sets.get("beir " + name, "group"), sets.get("beir " + name, "kind"), scores["beir " + name][:, 0].astype(np.float64)
        folder = sets.data / "beir" / name
        documents = [row["_id"] for row in D.read(folder / "corpus.jsonl")]
        queries = [row["_id"] for row in D.read(folder / "queries.jsonl")]
        judged = collections.defaultdict(dict)
        for line in (folder / "qrels/test.tsv").read_text().splitlines()[1:]:
            query, document, value = line.split("\t")
            judged[query][document] = float(value)
        table = collections.defaultdict(list)
        for number in np.unique(group):
            here = np.flatnonzero(group == number)
            gains = judged[queries[number]]
            ideal = sum(g / np.log2(r + 2) for r, g in enumerate(sorted(gains.values(), reverse=True)[:10]))
            first = (kind[here] % 100000) / 40000
            own = y[here] - y[here].mean()

            def ndcg(score):
                order = np.argsort(-score, kind="stable")[:10]
                return sum(gains.get(documents[kind[here[p]] // 100000], 0.0) / np.log2(r + 2) for r, p in enumerate(order)) / max(ideal, 1e-9)
            for weight in weights:
                table[weight].append(ndcg(first + weight * own))
            table["alone"].append(ndcg(own))
        out[name] = {key: np.array(values) for key, values in table.items()}
    if not out:
        return {}
    chosen = max(weights, key=lambda weight: out["cisi"][weight].mean()) if "cisi" in out else 0.1
    report = {"weight": chosen}
    told = [name for name in out if name != "cisi"]
    draw = np.random.default_rng(1)
    differences = {name: out[name][chosen] - out[name][0.0] for name in told}
    means = [np.mean([d[draw.integers(0, len(d), len(d))].mean() for d in differences.values()]) for _ in range(1000)]
    report["mean of the sets but cisi"] = {
        "first": round(float(np.mean([out[name][0.0].mean() for name in told])), 4), "with": round(float(np.mean([out[name][chosen].mean() for name in told])), 4),
        "difference": [round(float(x), 4) for x in np.percentile(means, [2.5, 97.5])],
    }
    for name, table in out.items():
        difference = table[chosen] - table[0.0]
        report[name] = {
            "first": round(float(table[0.0].mean()), 4), "alone": round(float(table["alone"].mean()), 4), "with": round(float(table[chosen].mean()), 4),
            "difference": interval(lambda rows: difference[rows].mean(), len(difference)), "each": {str(w): round(float(table[w].mean()), 4) for w in weights},
        }
    return report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("prepared", type=pathlib.Path)
    parser.add_argument("backbone", type=pathlib.Path)
    parser.add_argument("runs", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--json", type=pathlib.Path)
    given = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(given.backbone / "tokenizer.json"))
    tokenizer.no_truncation(), tokenizer.no_padding()
    sets = Sets(given.data, given.prepared, tokenizer)
    base = dict(np.load(given.runs / "cosine/scores.npz")) if (given.runs / "cosine/scores.npz").exists() else None
    everything = {}
    for name in given.names or sorted(path.parent.name for path in given.runs.glob("*/scores.npz") if path.parent.name != "cosine"):
        scores = dict(np.load(given.runs / name / "scores.npz"))
        result = everything[name] = {}
        for one in ("wice", "scifact-pairs"):
            if one in scores:
                result[one] = claims(sets, one, scores, base)
        if "wice" in scores and "scifact-pairs" in scores:
            result["claims, words and scores"] = combined(sets, scores)
        if "twins" in scores:
            result["twins"] = twins(sets, scores)
        for one in ("squad2-dev", "clapnq-dev"):
            if one in scores:
                result[one] = reader(sets, scores, base, one)
        if "squad2-dev found" in scores:
            result["squad2-dev, real retrieval"] = found(sets, scores)
        if any(one.startswith("beir ") for one in scores):
            result["ranking"] = ranking(sets, scores)
        print("##", name)
        for one, table in result.items():
            print(one)
            for label, value in table.items():
                print("   ", label, json.dumps(value))
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
