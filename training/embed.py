"""Mean vectors of the backbone for the collections of the evaluation, for the first stage of retrieval.

    python3 training/embed.py DATA BACKBONE FOLDER

FOLDER gets NAME.npz (documents, queries) for each collection of data.py and for the paragraphs and questions of squad2-dev and clapnq-dev.
"""

import pathlib
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

import data as D


def embed(session, tokenizer, texts):
    out = np.zeros((len(texts), 384), np.float32)
    encoded = tokenizer.encode_batch(texts)
    order = sorted(range(len(texts)), key=lambda number: len(encoded[number].ids))
    for start in range(0, len(order), 8):
        part = order[start : start + 8]
        ids = np.zeros((len(part), max(len(encoded[number].ids) for number in part)), np.int64)
        mask = np.zeros_like(ids)
        for row, number in enumerate(part):
            size = len(encoded[number].ids)
            ids[row, :size], mask[row, :size] = encoded[number].ids, 1
        hidden = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0]
        vectors = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        out[part] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return out


def main():
    data, backbone, folder = (pathlib.Path(part) for part in sys.argv[1:4])
    folder.mkdir(parents=True, exist_ok=True)
    session = onnxruntime.InferenceSession(str(backbone / "model.onnx"))
    tokenizer = Tokenizer.from_file(str(backbone / "tokenizer.json"))
    tokenizer.no_padding(), tokenizer.enable_truncation(256)
    for name in D.BEIR:
        documents = [((row.get("title") or "") + " " + row["text"]).strip() for row in D.read(data / "beir" / name / "corpus.jsonl")]
        queries = [row["text"] for row in D.read(data / "beir" / name / "queries.jsonl")]
        np.savez(folder / f"{name}.npz", d=embed(session, tokenizer, documents), q=embed(session, tokenizer, queries))
    for name in ["squad2-dev", "clapnq-dev"]:
        rows = D.read(data / "qa" / f"{name}.jsonl")
        contexts = list(dict.fromkeys(row["context"] for row in rows))
        np.savez(folder / f"{name}.npz", d=embed(session, tokenizer, contexts), q=embed(session, tokenizer, [row["question"] for row in rows]))


if __name__ == "__main__":
    main()
