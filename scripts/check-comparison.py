"""Recomputes a comparison of kinglet from its run files by other means, and fails where they differ.

    python3 scripts/check-comparison.py FOLDER...

FOLDER is what `kinglet compare --out FOLDER` has written. pytrec_eval gives the measures, numpy the bootstrap intervals, scipy the
permutation tests; Holm's correction and the verdict are computed here anew. Needs pytrec-eval-terrier, numpy and scipy.
"""

import itertools
import json
import pathlib
import sys

import numpy
import pytrec_eval
from scipy import stats

DRAWS = 10_000
MARGIN, FEWEST_FOR_EQUIVALENCE = 0.02, 150


def read_run(path):
    run = {}
    for line in path.read_text().splitlines():
        query, _, name, _, score, _ = line.split(" ")
        run.setdefault(query, {})[name] = float(score)
    return run


def read_judgments(path):
    judgments = {}
    for line in path.read_text().splitlines():
        query, _, name, grade = line.split(" ")
        judgments.setdefault(query, {})[name] = int(grade)
    return judgments


def interval(values, generator, level=0.95):
    means = generator.choice(values, (DRAWS, len(values))).mean(axis=1)
    return numpy.quantile(means, [(1 - level) / 2, (1 + level) / 2])


def permutation(differences, generator):
    test = stats.permutation_test(
        (differences, numpy.zeros_like(differences)), lambda a, b: numpy.mean(a - b), permutation_type="samples",
        n_resamples=DRAWS, rng=generator,
    )
    return test.pvalue


def holm(values):
    corrected, largest = [0.0] * len(values), 0.0
    for place, at in enumerate(sorted(range(len(values)), key=lambda at: values[at])):
        largest = max(largest, min(1.0, values[at] * (len(values) - place)))
        corrected[at] = largest
    return corrected


def close(what, ours, theirs, allowed):
    if abs(ours - theirs) > allowed:
        sys.exit(f"{what}: kinglet {ours}, here {theirs}, more than {allowed:.5f} apart")


def file_name(system):
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.+=") else "_" for c in system) + ".run"


def evaluator_for(run, folder):
    # Where documents were cut otherwise, the same places have other names.
    own = run.with_suffix(".qrels")
    judgments = read_judgments(own if own.is_file() else folder / "qrels.txt")
    return pytrec_eval.RelevanceEvaluator(judgments, {"ndcg_cut.10", "recall.100", "recip_rank", "success.5"})


def check(folder):
    for comparison in json.loads((folder / "report.json").read_text())["comparisons"]:
        generator = numpy.random.default_rng(7)
        questions, values = comparison["questions"], {}
        for system in comparison["systems"]:
            path = folder / "runs" / file_name(system["name"])
            found = evaluator_for(path, folder).evaluate(read_run(path))
            # A question for which nothing was found is in no run file.
            of = lambda measure: numpy.array([found.get(query, {}).get(measure, 0.0) for query in questions])
            ndcg, ranks = of("ndcg_cut_10"), of("recip_rank")
            theirs = {"nDCG@10": ndcg, "Recall@100": of("recall_100"), "MRR@10": numpy.where(ranks >= 0.1, ranks, 0.0),
                      "Success@5": of("success_5")}
            for estimate in system["estimates"]:
                if (metric := estimate["metric"]) in theirs:
                    close(f"{system['name']} {metric}", estimate["mean"], theirs[metric].mean(), 1e-6)
            # Ends of bootstrap intervals have a sampling error of their own.
            error = ndcg.std() / numpy.sqrt(len(ndcg))
            for ours, end in zip(system["estimates"][0]["interval"], interval(ndcg, generator)):
                close(f"{system['name']} interval", ours, end, 0.15 * error + 1e-9)
            values[system["name"]] = ndcg
        pairs = comparison["pairs"]
        assert len(pairs) == len(list(itertools.combinations(values, 2)))
        for pair in pairs:
            differences = values[pair["a"]] - values[pair["b"]]
            ours, what = pair["difference"], f"{pair['a']} - {pair['b']}"
            close(what, ours["mean"], differences.mean(), 1e-6)
            # scipy wants two questions; with one, either sign is as far from 0.
            p = permutation(differences, generator) if differences.any() and len(differences) > 1 else 1.0
            # Both draw: kinglet counts both tails, scipy doubles the share of one. Five standard errors.
            error = lambda share: max(share, 1 / DRAWS) * (1 - min(share, 0.999)) / DRAWS
            close(f"{what} p", ours["p"], p, 5 * numpy.sqrt(error(p) + 4 * error(p / 2)) + 2 / DRAWS)
            low, high = ours["interval_90"]
            error = differences.std() / numpy.sqrt(len(differences))
            for end, there in zip((low, high), interval(differences, generator, 0.9)):
                close(f"{what} interval", end, there, 0.15 * error + 1e-9)
            enough = len(differences) >= FEWEST_FOR_EQUIVALENCE
            assert pair["is_equivalent"] == (enough and -MARGIN < low and high < MARGIN), pair
            wins, losses = int((differences > 1e-9).sum()), int((differences < -1e-9).sum())
            assert ours["wins_ties_losses"] == [wins, len(differences) - wins - losses, losses], what
        for pair, corrected in zip(pairs, holm([pair["difference"]["p"] for pair in pairs])):
            close(f"{pair['a']} - {pair['b']} Holm", pair["p_holm"], corrected, 1e-9)
            better = corrected < 0.05 and pair["difference"]["interval"][0] > 0
            assert pair["is_better"] == better, pair
        verdict = comparison["verdict"]
        best = max(values, key=lambda name: values[name].mean())
        assert abs(values[verdict["best"]].mean() - values[best].mean()) < 1e-9
        told = {pair["b"] for pair in pairs if pair["a"] == verdict["best"] and not pair["is_better"]}
        assert told == set(verdict["not_told_apart"])
        # Another system than the default is recommended only if it is better than that, or equivalent.
        default, recommended = verdict["default"], verdict["recommended"]
        if None not in (default, recommended) and default != recommended:
            pair = next(pair for pair in pairs if {pair["a"], pair["b"]} == {default, recommended})
            assert pair["is_equivalent"] or (pair["is_better"] and pair["a"] == recommended), verdict
        print(f"{folder.name}: {len(questions)} {comparison['origin']} questions, {len(values)} systems, {len(pairs)} pairs: "
              "measures, intervals, p-values, corrections and verdict agree")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        check(pathlib.Path(argument))
