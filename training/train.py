"""Trains low-rank weights and heads over the backbone.

    python3 training/train.py support|reader|relevance|together --data PREPARED --backbone FOLDER --out RUN [--seed 1] [--rank 44] …

`together` trains one set of weights for several tasks (--tasks support,reader). --rank 0 trains every matrix (the upper bound). --start
begins from one run or from the mean of several (RUN/last.pt, joined by commas); with --rank their difference is cut to that rank.
--teach learns from the mean outputs of several full runs. A run that was broken off goes on from its last epoch (RUN/state.pt).
Writes RUN/last.pt (weights), RUN/scores.npz (outputs on every evaluation set of the tasks) and RUN/log.json.
"""

import argparse
import json
import math
import pathlib
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import model as M

BATCH = {"support": 64, "reader": 48, "relevance": 24}
LONGEST = {"support": 400, "reader": 400, "relevance": 300}


class Data:
    """The prepared files, on the device."""

    def __init__(self, path, device):
        self.arrays = dict(np.load(path / "training.npz"))
        self.names = json.loads((path / "training.json").read_text())
        self.names["evaluation"] = json.loads((path / "evaluation.json").read_text())
        more, first = np.load(path / "evaluation.npz"), len(self.arrays["pool.ends"])
        for name in more.files:
            if name.startswith("eval."):
                self.arrays[name] = more[name] + (first if name.endswith((".a", ".b")) else 0)
        ids = np.concatenate([self.arrays["pool.ids"], more["pool.ids"]])
        ends = np.concatenate([self.arrays["pool.ends"], more["pool.ends"] + self.arrays["pool.ends"][-1]])
        self.lengths = np.diff(ends, prepend=0)
        self.starts = torch.from_numpy(ends - self.lengths).to(device)
        self.sizes = torch.from_numpy(self.lengths).to(device)
        self.ids = torch.from_numpy(ids.astype(np.int32)).to(device)
        self.device = device

    def get(self, name):
        return self.arrays[name]

    def pairs(self, a, b, longest, cut_first):
        """[CLS] a [SEP] b [SEP]: ids, mask, types and where b begins. What is too long is cut at the end of a, or of b."""
        a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
        # A length that is a multiple of eight suits the attention kernels.
        room = min(longest, int((self.lengths[a] + self.lengths[b]).max()) + 3)
        a, b = torch.from_numpy(a).to(self.device), torch.from_numpy(b).to(self.device)
        size_a, size_b = self.sizes[a], self.sizes[b]
        if cut_first:
            size_a = torch.minimum(size_a, longest - 3 - size_b)
        else:
            size_b = torch.minimum(size_b, longest - 3 - size_a)
        total = size_a + size_b + 3
        place = torch.arange((room + 7) // 8 * 8, device=self.device)[None]
        second = (size_a + 2)[:, None]
        from_a = self.ids[(self.starts[a][:, None] + place - 1).clamp(0, len(self.ids) - 1)]
        from_b = self.ids[(self.starts[b][:, None] + place - second).clamp(0, len(self.ids) - 1)]
        ids = torch.where(place < second - 1, from_a, torch.where(place < second, M.SEP, from_b)).long()
        ids = torch.where(place == 0, M.CLS, ids)
        ids = torch.where(place == total[:, None] - 1, M.SEP, ids)
        mask = place < total[:, None]
        return torch.where(mask, ids, 0), mask.long(), ((place >= second) & mask).long(), second.squeeze(1), size_b


def batches(lengths, rows, size, draw):
    """Rows in batches of like lengths, in a random order."""
    rows = list(rows)
    draw.shuffle(rows)
    out, block = [], size * 40
    for start in range(0, len(rows), block):
        part = sorted(rows[start : start + block], key=lambda row: lengths[row])
        out += [np.array(part[k : k + size]) for k in range(0, len(part), size)]
    draw.shuffle(out)
    return out


class Task:
    def __init__(self, name, data, given):
        self.name, self.data = name, data
        get = lambda part: data.get(f"{name}.{part}")
        lengths = data.lengths
        if name == "relevance":
            ends = get("first") + get("count")
            self.lengths = np.array([lengths[data.get("relevance.documents")[a:b]].max() for a, b in zip(get("first"), ends)])
        else:
            self.lengths = lengths[get("a")] + lengths[get("b")]
        weight = get("w").copy()
        for change in filter(None, given.weights.split(",")):
            which, value = change.split("=")
            if which in data.names[name]:
                weight[get("set") == list(data.names[name]).index(which)] *= float(value)
        self.weight, self.val, self.size = weight, get("val"), int(BATCH[name] * given.batch)

    def epoch(self, draw, share=1.0):
        """Each row as often as its weight says."""
        often = np.floor(self.weight * share + np.array([draw.random() for _ in self.weight])).astype(int)
        often[self.val] = 0
        return batches(self.lengths, np.repeat(np.arange(len(often)), often), self.size, draw)

    def inputs(self, rows):
        get = lambda part: self.data.get(f"{self.name}.{part}")[rows]
        if self.name != "relevance":
            return self.data.pairs(get("a"), get("b"), LONGEST[self.name], self.name == "support")
        first, count = get("first"), get("count")
        documents = np.concatenate([self.data.get("relevance.documents")[a : a + n] for a, n in zip(first, count)])
        return self.data.pairs(np.repeat(get("q"), count), documents, LONGEST["relevance"], False)

    def loss(self, model, rows, given, teachers=()):
        ids, mask, types, second, size = self.inputs(rows)
        output = model(self.name, ids, mask, types, given.dropout)
        with torch.no_grad():
            taught = [teacher(self.name, ids, mask, types) for teacher in teachers]
        return getattr(self, self.name)(output, rows, mask, types, second, size, taught)

    def support(self, output, rows, mask, types, second, size, taught):
        get = lambda part: torch.from_numpy(self.data.get(f"support.{part}")[rows].astype(np.int64)).to(output.device)
        y, c = get("y"), get("c")
        loss = F.cross_entropy(output[:, :3], y, label_smoothing=0.03)
        known = (c >= 0).float()
        loss = loss + 0.5 * (F.binary_cross_entropy_with_logits(output[:, 3], c.clamp(min=0).float(), reduction="none") * known).sum() / known.sum().clamp(min=1)
        if taught:
            soft = torch.stack([F.softmax(one[:, :3], -1) for one in taught]).mean(0)
            against = torch.stack([one[:, 3].sigmoid() for one in taught]).mean(0)
            loss = 0.3 * loss + F.cross_entropy(output[:, :3], soft) + 0.5 * F.binary_cross_entropy_with_logits(output[:, 3], against)
        return loss

    def reader(self, output, rows, mask, types, second, size, taught):
        spans, can = output
        get = lambda part: torch.from_numpy(self.data.get(f"reader.{part}")[rows].astype(np.int64)).to(can.device)
        s, e, y = get("s"), get("e"), get("y").float()
        allowed = allowed_places(mask, types, size, second)
        loss = F.binary_cross_entropy_with_logits(can, y)
        inside = (e < size) & (s != -1)
        target = [torch.where(part >= 0, part + second, 0) for part in (s, e)]
        for number in (0, 1):
            logits = spans[:, :, number].masked_fill(~allowed, -1e4)
            each = F.cross_entropy(logits, target[number], reduction="none")
            loss = loss + 0.5 * (each * inside).sum() / inside.sum().clamp(min=1)
            if taught:
                soft = torch.stack([F.softmax(one[0][:, :, number].masked_fill(~allowed, -1e4), -1) for one in taught]).mean(0)
                loss = loss + 0.7 * F.cross_entropy(logits, soft)
        if taught:
            soft = torch.stack([one[1].sigmoid() for one in taught]).mean(0)
            loss = 0.5 * loss + F.binary_cross_entropy_with_logits(can, soft)
        return loss

    def relevance(self, output, rows, mask, types, second, size, taught):
        count = self.data.get("relevance.count")[rows]
        table = torch.full((len(rows), int(count.max())), -1e4, device=output.device)
        place = torch.from_numpy(np.concatenate([np.arange(n) for n in count])).to(output.device)
        line = torch.from_numpy(np.repeat(np.arange(len(rows)), count)).to(output.device)
        wanted = torch.zeros(len(rows), dtype=torch.int64, device=output.device)
        loss = F.cross_entropy(table.index_put((line, place), output), wanted)
        if taught:
            soft = torch.stack([F.softmax(table.index_put((line, place), one), -1) for one in taught]).mean(0)
            loss = 0.3 * loss + F.cross_entropy(table.index_put((line, place), output), soft)
        # Scores that mean the same from one query to the next.
        return loss + 0.2 * F.binary_cross_entropy_with_logits(output, (place == 0).float())


def allowed_places(mask, types, size, second):
    """The tokens of the passage, and [CLS] for "no answer"."""
    place = torch.arange(mask.shape[1], device=mask.device)[None]
    return ((place >= second[:, None]) & (place < (second + size)[:, None])) | (place == 0)


def best_spans(spans, mask, types, size, second, longest=30):
    """For each row: first and last token of the best span in the passage, its score, the score of "no answer"."""
    inside = allowed_places(mask, types, size, second)
    inside[:, 0] = False
    start = spans[:, :, 0].masked_fill(~inside, -1e4)
    end = spans[:, :, 1].masked_fill(~inside, -1e4)
    best = torch.full((len(spans),), -1e9, device=spans.device)
    first, last = torch.zeros_like(second), torch.zeros_like(second)
    for step in range(min(longest, spans.shape[1])):
        value, place = (start[:, : spans.shape[1] - step] + end[:, step:]).max(1)
        better = value > best
        best = torch.where(better, value, best)
        first, last = torch.where(better, place, first), torch.where(better, place + step, last)
    return first - second, last - second, best, spans[:, 0].sum(-1)


def autocast(device):
    return torch.autocast("cuda", torch.bfloat16) if device == "cuda" else torch.autocast("cpu", enabled=False)


@torch.no_grad()
def outputs(model, data, task, a, b, exact, only=None):
    """The outputs for pairs, in their order. reader: first, last, span, none, answerable; support: 4; relevance: 1."""
    model.eval()
    a, b = np.asarray(a), np.asarray(b)
    lengths = data.lengths[a] + data.lengths[b]
    order = np.argsort(lengths, kind="stable")
    out = np.zeros((len(a), {"reader": 5, "support": 4, "relevance": 1}[task]), np.float32)
    start = 0
    while start < len(order):
        size = 16 if data.device == "cpu" else int(max(64, min(2048, 200_000 // (lengths[order[min(start + 64, len(order) - 1)]] + 8))))
        rows = order[start : start + size]
        start += size
        ids, mask, types, second, length = data.pairs(a[rows], b[rows], LONGEST[task], task == "support")
        with torch.autocast(data.device, torch.bfloat16, enabled=data.device == "cuda" and not exact):
            y = model(task, ids, mask, types)
        if task == "reader":
            y = torch.stack([part.float() for part in (*best_spans(y[0], mask, types, length, second), y[1])], 1)
        out[rows] = y.float().reshape(len(rows), -1).cpu().numpy()
    return out


@torch.no_grad()
def cosine(data, model, given):
    """A baseline: cosines of the untouched backbone's mean vectors for the pairs of every evaluation set."""
    scores = {}
    for name in [name for name, count in data.names["evaluation"].items() if count and (not given.scores or name in given.scores.split(","))]:
        pairs = [data.get(f"eval.{name}.{part}") for part in "ab"]
        texts, places = np.unique(np.concatenate(pairs), return_inverse=True)
        vectors = np.zeros((len(texts), M.WIDTH), np.float32)
        order = np.argsort(data.lengths[texts], kind="stable")
        for start in range(0, len(order), 256):
            rows = order[start : start + 256]
            sizes = data.sizes[torch.from_numpy(texts[rows]).to(data.device)].clamp(max=254)[:, None]
            place = torch.arange(int(sizes.max()) + 2, device=data.device)[None]
            ids = data.ids[(data.starts[torch.from_numpy(texts[rows]).to(data.device)][:, None] + place - 1).clamp(0, len(data.ids) - 1)].long()
            ids = torch.where(place == 0, M.CLS, torch.where(place == sizes + 1, M.SEP, ids))
            mask = (place < sizes + 2).long()
            ids = ids * mask
            hidden = model.hidden(ids, mask, torch.zeros_like(ids)) * mask[:, :, None]
            vectors[rows] = F.normalize(hidden.sum(1) / mask.sum(1, keepdim=True), dim=-1).cpu().numpy()
        a, b = places[: len(pairs[0])], places[len(pairs[0]) :]
        scores[name] = (vectors[a] * vectors[b]).sum(1).astype(np.float16)[:, None]
    np.savez_compressed(given.out / "scores.npz", **scores)
    (given.out / "log.json").write_text("{}")
    torch.save({}, given.out / "last.pt")


def evaluation_sets(data, task):
    for name in data.names["evaluation"]:
        kind = "relevance" if name.startswith("beir ") else "reader" if name.startswith(("squad2", "clapnq")) else "support"
        if kind == task and data.names["evaluation"][name]:
            yield name


def validate(model, data, task):
    """A few figures on the validation rows, for the log."""
    rows = np.flatnonzero(task.val)
    if task.name == "support":
        out = outputs(model, data, "support", data.get("support.a")[rows], data.get("support.b")[rows], False)
        y = data.get("support.y")[rows]
        score = out[:, 0] - np.logaddexp(out[:, 1], out[:, 2])
        table = {}
        sets = data.get("support.set")[rows]
        for number, name in enumerate(data.names["support"]):
            here = sets == number
            if here.sum() >= 20 and 0 < (y[here] == 0).sum() < here.sum():
                right = (score[here] > 0) == (y[here] == 0)
                table[name] = round(float((right[y[here] == 0].mean() + right[y[here] != 0].mean()) / 2), 3)
        right = (score > 0) == (y == 0)
        return {"balanced": round(float((right[y == 0].mean() + right[y != 0].mean()) / 2), 4), "sets": table}
    if task.name == "reader":
        get = lambda part: data.get(f"reader.{part}")[rows]
        out = outputs(model, data, "reader", get("a"), get("b"), False)
        span = get("s") >= 0
        exact = (out[span, 0] == get("s")[span]) & (out[span, 1] == get("e")[span])
        overlap = np.minimum(out[span, 1], get("e")[span]) - np.maximum(out[span, 0], get("s")[span]) + 1
        overlap = np.maximum(overlap, 0) * 2 / (out[span, 1] - out[span, 0] + 1 + get("e")[span] - get("s")[span] + 1)
        y = get("y")
        table = {}
        for number, name in enumerate(data.names["reader"]):
            here = get("set") == number
            if here.sum() >= 10:
                table[name] = [int(here.sum()), round(float(((out[here, 4] > 0) == (y[here] == 1)).mean()), 3)]
        return {"exact": round(float(exact.mean()), 4), "overlap": round(float(overlap.mean()), 4), "auc": round(auc(out[:, 4], y), 4), "sets": table}
    get = lambda part: data.get(f"relevance.{part}")[rows]
    documents = [data.get("relevance.documents")[f : f + n] for f, n in zip(get("first"), get("count"))]
    out = outputs(model, data, "relevance", np.repeat(get("q"), get("count")), np.concatenate(documents), False)[:, 0]
    first, right = 0, []
    for n in get("count").astype(int):
        right.append(out[first] > out[first + 1 : first + n].max())
        first += n
    return {"first": round(float(np.mean(right)), 4)}


def auc(score, y):
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    good, bad = (y == 1).sum(), (y == 0).sum()
    return float((rank[y == 1].sum() - good * (good + 1) / 2) / max(good * bad, 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["support", "reader", "relevance", "together", "cosine"])
    parser.add_argument("--tasks", default="support,reader")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--backbone", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rank", type=int, default=44)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--rate", type=float, default=0, help="1e-3 for low-rank weights and 1.5e-4 for whole matrices, if not given")
    parser.add_argument("--batch", type=float, default=1, help="times the usual size of a batch")
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument("--start", default="")
    parser.add_argument("--teach", default="")
    parser.add_argument("--weights", default="", help="set=factor,…")
    parser.add_argument("--seconds", type=float, default=0, help="the training ends after this time, whatever --epochs says; the rate falls with the clock")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scores", default="", help="the evaluation sets to score, joined by commas (all of the tasks, if not given)")
    given = parser.parse_args()
    began = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(given.threads)
    torch.backends.cuda.enable_cudnn_sdp(False)  # it plans anew for each shape
    torch.manual_seed(given.seed)
    draw = random.Random(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    data = Data(given.data, device)
    weights, _ = M.read_graph(given.backbone / "model.onnx")
    if given.task == "cosine":
        return cosine(data, M.Encoder(weights, [], 0).to(device), given)
    names = given.tasks.split(",") if given.task == "together" else [given.task]
    model = M.Encoder(weights, names, given.rank, seed=given.seed)
    if given.start:
        states = [torch.load(pathlib.Path(path) / "last.pt") for path in given.start.split(",")]
        model.load_trained(states[0] if len(states) == 1 else M.average(states))
    model.to(device)
    teachers = []
    for path in filter(None, given.teach.split(",")):
        teacher = M.Encoder(weights, names, 0)
        teacher.load_trained(torch.load(pathlib.Path(path) / "last.pt"))
        teachers.append(teacher.to(device).eval())

    tasks = [Task(name, data, given) for name in names]
    rate = given.rate or (1e-3 if given.rank else 1.5e-4)
    heads = [value for name, value in model.named_parameters() if name.startswith("head_")]
    rest = [value for name, value in model.named_parameters() if not name.startswith("head_")]
    groups = [{"params": rest, "lr": rate}, {"params": heads, "lr": max(rate, 5e-4) if not given.start else rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=given.decay, betas=(0.9, 0.98), fused=device == "cuda")
    per_epoch = sum(len(task.epoch(random.Random(0))) for task in tasks)
    steps = max(1, int(given.epochs * per_epoch))
    started, share_done = time.time(), [0.0]

    def progress(step):
        """0 to 1: by steps, or by the clock if that is given."""
        share_done[0] = min(1.0, max(share_done[0], (time.time() - started) / given.seconds if given.seconds else step / steps))
        return share_done[0]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / (0.06 * steps + 1), max(0.02, (1 - progress(step)) / 0.94)))
    step, epoch, log = 0, 0, {"arguments": {name: str(value) for name, value in vars(given).items() if name not in ("data", "backbone", "out")}, "epochs": []}
    kept = given.out / "state.pt"
    if kept.exists():
        saved = torch.load(kept, weights_only=False)
        model.load_state_dict(saved["model"]), optimizer.load_state_dict(saved["optimizer"]), schedule.load_state_dict(saved["schedule"])
        step, epoch, log = saved["step"], saved["epoch"], saved["log"]
    while step < steps:
        draw = random.Random(given.seed * 1000 + epoch)
        order = [(task, rows) for task in tasks for rows in task.epoch(draw)]
        draw.shuffle(order)
        model.train()
        total = {task.name: [] for task in tasks}
        for task, rows in order[: steps - step]:
            with autocast(device):
                loss = task.loss(model, rows, given, teachers)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            total[task.name].append(loss.detach())
            if share_done[0] >= 1:
                steps = step
                break
        epoch += 1
        line = {"epoch": epoch, "step": step, "seconds": round(time.time() - began, 1)}
        for task in tasks:
            losses = total[task.name]
            line[task.name] = {"loss": round(float(torch.stack(losses).mean()), 4) if losses else None, **validate(model, data, task)}
        log["epochs"].append(line)
        print(given.out.name, json.dumps(line), flush=True)
        if step < steps and not given.seconds:
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "step": step, "epoch": epoch, "log": log}, kept)
    state = model.trained()
    torch.save(state, given.out / "last.pt")
    scores = {}
    for task in tasks:
        for name in evaluation_sets(data, task.name):
            if given.scores and name not in given.scores.split(","):
                continue
            scores[name] = outputs(model, data, task.name, data.get(f"eval.{name}.a"), data.get(f"eval.{name}.b"), False)
            if task.name != "reader":
                scores[name] = scores[name].astype(np.float16)
        rows = np.flatnonzero(task.val)
        if task.name != "relevance":
            scores["val " + task.name] = outputs(model, data, task.name, data.get(f"{task.name}.a")[rows], data.get(f"{task.name}.b")[rows], False)
    np.savez_compressed(given.out / "scores.npz", **scores)
    log["seconds"] = round(time.time() - began, 1)
    (given.out / "log.json").write_text(json.dumps(log, indent=1))
    kept.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
