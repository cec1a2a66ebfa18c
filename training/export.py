"""Packs trained weights into a file of at most 2 MB, and merges such a file into the ONNX graph of the backbone.

    python3 training/export.py pack RUN/last.pt BACKBONE training/weights/NAME.safetensors --task reader --about about.json
    python3 training/export.py merge BACKBONE training/weights/NAME.safetensors OUT.onnx
    python3 training/export.py golden BACKBONE training/weights training/golden.jsonl
    python3 training/export.py check BACKBONE training/weights training/golden.jsonl
    python3 training/export.py score BACKBONE training/weights/NAME.safetensors RUN/scores.npz --data PREPARED --sets twins,squad2-dev

`merge` is what the product does when a model is installed; `check` merges each file, runs the graph with ONNX Runtime on every line of the
golden file and fails if an output differs from torch's by more than 1e-4.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

import model as M


def merged(backbone, weights):
    """The graph with the low-rank products added to its matrices, the small differences added to its tensors, and the head as its output."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from safetensors import safe_open

    proto = onnx.load(backbone / "model.onnx")
    graph = proto.graph
    with safe_open(weights, "np") as file:
        header = json.loads(file.metadata()["kinglet"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if header["backbone_sha256"] != M.sha256(backbone / "model.onnx"):
        raise SystemExit("these weights belong to another graph")
    places = {tensor.name: place for place, tensor in enumerate(graph.initializer)}
    made_by = {node.output[0]: place for place, node in enumerate(graph.node)}
    added = []
    for name, value in tensors.items():
        if name.endswith(".add"):
            place = places[name[:-4]]
            old = numpy_helper.to_array(graph.initializer[place])
            graph.initializer[place].CopyFrom(numpy_helper.from_array(old + value.astype(np.float32), name[:-4]))
        elif name.endswith(".a"):
            matrix = name[:-2]
            a = tensors[name].astype(np.float32) * tensors[matrix + ".scale"]
            graph.initializer.append(numpy_helper.from_array(a, name))
            graph.initializer.append(numpy_helper.from_array(tensors[matrix + ".b"].astype(np.float32), matrix + ".b"))
            graph.node[made_by[matrix]].output[0] = matrix + ".base"
            added.append(helper.make_node("MatMul", [name, matrix + ".b"], [matrix + ".change"], name=matrix + ".product"))
            added.append(helper.make_node("Add", [matrix + ".base", matrix + ".change"], [matrix], name=matrix + ".sum"))
    task = header["task"]
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(tensors[f"head.{task}.weight"].T), "head.weight"))
    graph.initializer.append(numpy_helper.from_array(tensors[f"head.{task}.bias"], "head.bias"))
    hidden, width = graph.output[0].name, len(M.OUTPUTS[task])
    last = []
    if task != "reader":
        graph.initializer.append(numpy_helper.from_array(np.array(0, dtype=np.int64), "head.place"))
        last.append(helper.make_node("Gather", [hidden, "head.place"], ["head.input"], axis=1))
    last.append(helper.make_node("MatMul", [hidden if task == "reader" else "head.input", "head.weight"], ["head.product"]))
    last.append(helper.make_node("Add", ["head.product", "head.bias"], ["logits"]))
    # Nodes stand in an order in which inputs come first: the sums right after the nodes that make the matrices.
    nodes = list(graph.node)
    end = max(made_by[name[:-2]] for name in tensors if name.endswith(".a")) + 1
    del graph.node[:]
    graph.node.extend(nodes[:end] + added + nodes[end:] + last)
    del graph.output[:]
    shape = ["batch", "sequence", width] if task == "reader" else ["batch", width]
    graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape))
    onnx.checker.check_model(proto)
    return proto, header


def torch_model(backbone, weights):
    matrices, names = M.read_graph(backbone / "model.onnx")
    state, header = M.load(weights, names)
    model = M.Encoder(matrices, [header["task"]], header["rank"]).eval()
    model.load_trained(state)
    return model, header


def pack(given):
    import torch

    _, names = M.read_graph(given.backbone / "model.onnx")
    state = {name: value.float() for name, value in torch.load(given.run).items()}
    state = {name: value for name, value in state.items() if not name.startswith("head.") or name.startswith(f"head.{given.task}.")}
    about = json.loads(given.about.read_text()) if given.about else {}
    rank = next(value.shape[1] for name, value in state.items() if name.endswith(".a"))
    header = {
        "task": given.task, "outputs": M.OUTPUTS[given.task], "rank": rank, "backbone_sha256": M.sha256(given.backbone / "model.onnx"),
        "matrices": {role: names[role] for role in names if M.is_matrix(role)}, "order": "[CLS] evidence [SEP] claim [SEP]" if given.task == "support" else "[CLS] question [SEP] passage [SEP]", **about,
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    M.save(given.out, state, names, header)
    print(given.out, given.out.stat().st_size, "bytes")
    if given.out.stat().st_size > 2_000_000:
        raise SystemExit("larger than 2 MB")


def score(given):
    """The outputs of the packed weights, in single precision, on some evaluation sets; the other sets of a file that exists are kept."""
    import train

    model, header = torch_model(given.backbone, given.weights)
    data = train.Data(given.data, "cpu")
    scores = dict(np.load(given.out)) if given.out.exists() else {}
    for name in given.sets.split(","):
        scores[name] = train.outputs(model, data, header["task"], data.get(f"eval.{name}.a"), data.get(f"eval.{name}.b"), True)
    np.savez_compressed(given.out, **scores)


PAIRS = [
    ("The committee did not approve a second tester. The matter comes back in the autumn.", "The committee approved a second tester.", "Did the committee approve a second tester?"),
    ("HRN-1001 filter due\nHRN-1002 frost protection active\nHRN-1003 supply fan blocked", "HRN-1002 means that frost protection is active.", "What does HRN-1002 mean?"),
    ("Caretaker: Mr Brandl, 0171 55 20 31. Landlord: Ms Hofer, 089 41 77 60.", "The landlord's number is 0171 55 20 31.", "What is the caretaker's telephone number?"),
    ("The Seine reaches the sea at Le Havre.", "Normandy is located in France.", "Where does the Seine reach the sea?"),
    ("Requests are retried 5 times with a pause of 200 ms. After that the job is moved to the dead letter queue.", "There is a pause of 200 ms.", "How long is the pause between retries?"),
    ("`flush()` blocks until every record is on disk. It does not release the file handle.", "flush() releases the file handle.", "Does flush release the handle?"),
    ("Über den Fluss führt seit 1912 eine Brücke.", "The bridge was built in 1912.", "When was the bridge built?"),
]


def golden(given):
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(given.backbone / "tokenizer.json"))
    tokenizer.no_truncation(), tokenizer.no_padding()
    lines = []
    for path in sorted(given.weights.glob("*.safetensors")):
        model, header = torch_model(given.backbone, path)
        for passage, claim, question in PAIRS:
            first, second = (passage, claim) if header["task"] == "support" else (question, passage)
            a, b = (tokenizer.encode(part, add_special_tokens=False).ids for part in (first, second))
            ids = [M.CLS, *a, M.SEP, *b, M.SEP]
            types = [0] * (len(a) + 2) + [1] * (len(b) + 1)
            with torch.no_grad():
                x = torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64), torch.tensor([types])
                if header["task"] == "reader":
                    head = model.head_reader
                    y = head(model.hidden(*x))[0]
                else:
                    y = model(header["task"], *x)[0]
            lines.append({"weights": path.name, "task": header["task"], "first": first, "second": second, "ids": ids, "types": types, "logits": np.round(y.numpy().astype(float), 6).tolist()})
    given.out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    print(len(lines), "golden lines")


def check(given):
    import onnx
    import onnxruntime

    worst, sessions = {}, {}
    lines = [json.loads(line) for line in given.out.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        for line in lines:
            name = line["weights"]
            if name not in sessions:
                proto, _ = merged(given.backbone, given.weights / name)
                onnx.save(proto, f"{folder}/{name}.onnx")
                sessions[name] = onnxruntime.InferenceSession(f"{folder}/{name}.onnx")
            ids = np.array([line["ids"]], dtype=np.int64)
            # A second row that is longer, so that the first is padded.
            long = np.concatenate([ids, np.zeros((1, 8), dtype=np.int64)], 1)
            feed = {
                "input_ids": np.concatenate([long, np.full_like(long, 2003)]), "attention_mask": np.concatenate([(np.arange(long.shape[1])[None] < ids.shape[1]).astype(np.int64), np.ones_like(long)]),
                "token_type_ids": np.concatenate([np.array([line["types"] + [0] * 8]), np.zeros_like(long)]),
            }
            found = sessions[name].run(["logits"], feed)[0][0]
            wanted = np.array(line["logits"], dtype=np.float32)
            found = found[: len(wanted)] if line["task"] == "reader" else found.reshape(wanted.shape)
            worst[name] = max(worst.get(name, 0.0), float(np.abs(found - wanted).max()))
    print("largest difference from torch:", json.dumps(worst))
    if max(worst.values()) > 1e-4:
        raise SystemExit("the merged graph differs from torch")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("pack")
    one.add_argument("run", type=pathlib.Path)
    one.add_argument("backbone", type=pathlib.Path)
    one.add_argument("out", type=pathlib.Path)
    one.add_argument("--task", required=True)
    one.add_argument("--about", type=pathlib.Path)
    for name in ("golden", "check", "merge", "score"):
        one = commands.add_parser(name)
        one.add_argument("backbone", type=pathlib.Path)
        one.add_argument("weights", type=pathlib.Path)
        one.add_argument("out", type=pathlib.Path)
        if name == "score":
            one.add_argument("--data", type=pathlib.Path, required=True)
            one.add_argument("--sets", required=True)
    given = parser.parse_args()
    if given.command == "merge":
        import onnx

        onnx.save(merged(given.backbone, given.weights)[0], given.out)
    else:
        {"pack": pack, "golden": golden, "check": check, "score": score}[given.command](given)


if __name__ == "__main__":
    main()
