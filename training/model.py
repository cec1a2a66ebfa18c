"""The backbone (all-MiniLM-L6-v2, read from its ONNX graph), low-rank weights over it, and the three small heads.

The weights keep the names that they have in the graph, so that what is trained here can be merged into that graph.
A matrix of the graph is stored as int8 with one scale a column and turned into floats by two nodes; the floats are what is read here.
"""

import hashlib
import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HEADS, LAYERS, WIDTH = 12, 6, 384
CLS, SEP = 101, 102
# The outputs of each head, in the order of the rows of its matrix.
OUTPUTS = {
    "support": ["supported", "partly", "not", "contradicted"],
    "reader": ["start", "end", "answerable"],
    "relevance": ["relevance"],
}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_graph(path):
    """The weights of the ONNX graph by role, and for each role the name of its tensor in the graph."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    for name in [name for name in made_by if name + "_q" in values]:
        values[name] = values[name + "_q"].astype(np.float32) * values[name + "_scale"]
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    weights, names = {}, {}

    def keep(role, name):
        weights[role], names[role] = np.array(values[name], dtype=np.float32), name

    for part in ["word", "position", "token_type"]:
        keep(f"{part}_embeddings", f"inner.embeddings.{part}_embeddings.weight")
    keep("norm.weight", "inner.embeddings.LayerNorm.weight")
    keep("norm.bias", "inner.embeddings.LayerNorm.bias")
    parts = {
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "out": "attention.output.dense", "up": "intermediate.dense", "down": "output.dense",
    }
    for layer in range(LAYERS):
        for role, part in parts.items():
            bias = f"inner.encoder.layer.{layer}.{part}.bias"
            added = users[bias][0]
            product = made_by[[name for name in added.input if name != bias][0]]
            assert product.op_type == "MatMul"
            keep(f"{layer}.{role}.weight", product.input[1])
            keep(f"{layer}.{role}.bias", bias)
        for role, part in [("attention_norm", "attention.output.LayerNorm"), ("output_norm", "output.LayerNorm")]:
            for kind in ["weight", "bias"]:
                keep(f"{layer}.{role}.{kind}", f"inner.encoder.layer.{layer}.{part}.{kind}")
    return weights, names


def key(role):
    """torch does not allow dots in the names of parameters."""
    return role.replace(".", "_")


def is_matrix(role):
    return role.endswith(".weight") and "norm" not in role


class Encoder(nn.Module):
    """BERT of six layers. `rank` > 0 trains low-rank weights beside frozen matrices, `rank` = 0 trains the matrices themselves."""

    def __init__(self, weights, tasks, rank, small=True, seed=1):
        super().__init__()
        self.rank, self.tasks = rank, list(tasks)
        self.roles = [role for role in weights if is_matrix(role)]
        self.small = [role for role in weights if not is_matrix(role) and role not in ("word_embeddings", "position_embeddings")]
        draw = torch.Generator().manual_seed(seed)
        for role, value in weights.items():
            value = torch.from_numpy(np.ascontiguousarray(value))
            trained = (rank == 0 and role in self.roles) or (small and role in self.small)
            if trained:
                self.register_buffer("base_" + key(role), value.clone())
                setattr(self, "w_" + key(role), nn.Parameter(value.clone()))
            else:
                self.register_buffer("w_" + key(role), value)
            if rank and role in self.roles:
                rows, columns = value.shape
                setattr(self, "a_" + key(role), nn.Parameter(torch.randn(rows, rank, generator=draw) / math.sqrt(rows)))
                setattr(self, "b_" + key(role), nn.Parameter(torch.zeros(rank, columns)))
        for task in tasks:
            head = nn.Linear(WIDTH, len(OUTPUTS[task]))
            nn.init.zeros_(head.bias)
            with torch.no_grad():
                head.weight.copy_(torch.randn(head.weight.shape, generator=draw) * 0.02)
            setattr(self, "head_" + task, head)

    def matrix(self, role):
        weight = getattr(self, "w_" + key(role))
        if self.rank:
            weight = weight + getattr(self, "a_" + key(role)) @ getattr(self, "b_" + key(role))
        return weight

    def linear(self, x, role):
        return F.linear(x, self.matrix(role + ".weight").t(), getattr(self, "w_" + key(role + ".bias")))

    def norm(self, x, role):
        weight, bias = getattr(self, "w_" + key(role + ".weight")), getattr(self, "w_" + key(role + ".bias"))
        if not torch.is_autocast_enabled():
            return F.layer_norm(x, (WIDTH,), weight, bias, 1e-12)
        # In half precision the states between the layers are kept in it as well: half the traffic of memory.
        with torch.autocast(x.device.type, enabled=False):
            return F.layer_norm(x.bfloat16(), (WIDTH,), weight.bfloat16(), bias.bfloat16(), 1e-12)

    def hidden(self, ids, mask, types, dropout=0.0):
        """last_hidden_state of the graph."""
        batch, length = ids.shape
        # The two type vectors are mixed by a product: the backward pass of looking them up is slow with so many equal places.
        kind = self.w_token_type_embeddings
        kind = kind[0] + types[:, :, None].to(kind.dtype) * (kind[1] - kind[0])
        x = self.w_word_embeddings[ids] + self.w_position_embeddings[:length] + kind
        x = self.drop(self.norm(x, "norm"), dropout)
        seen = torch.zeros(batch, 1, 1, length, dtype=torch.bfloat16 if torch.is_autocast_enabled() else x.dtype, device=x.device)
        seen = seen.masked_fill(mask[:, None, None, :] == 0, -1e4).expand(batch, HEADS, length, length)
        for layer in range(LAYERS):
            parts = [self.linear(x, f"{layer}.{part}").view(batch, length, HEADS, -1).transpose(1, 2) for part in ("query", "key", "value")]
            y = F.scaled_dot_product_attention(*parts, attn_mask=seen, dropout_p=dropout if self.training else 0.0)
            y = self.linear(y.transpose(1, 2).reshape(batch, length, WIDTH), f"{layer}.out")
            x = self.norm(x + self.drop(y, dropout), f"{layer}.attention_norm")
            y = self.linear(F.gelu(self.linear(x, f"{layer}.up")), f"{layer}.down")
            x = self.norm(x + self.drop(y, dropout), f"{layer}.output_norm")
        return x

    def drop(self, x, share):
        return F.dropout(x, share, self.training) if share else x

    def forward(self, task, ids, mask, types, dropout=0.0):
        """reader: [b, s, 2] start and end, [b] answerable; support: [b, 4]; relevance: [b]."""
        x = self.hidden(ids, mask, types, dropout).float()
        head = getattr(self, "head_" + task)
        with torch.autocast(x.device.type, enabled=False):
            if task == "reader":
                spans = F.linear(x, head.weight[:2], head.bias[:2])
                return spans, F.linear(x[:, 0], head.weight[2:], head.bias[2:]).squeeze(-1)
            y = head(self.drop(x[:, 0], dropout))
        return y.squeeze(-1) if task == "relevance" else y

    def trained(self):
        """What was learned, over the backbone: full differences of the matrices or low-rank factors, small tensors, heads."""
        out = {}
        for role in self.roles:
            if self.rank:
                out[role + ".a"] = getattr(self, "a_" + key(role)).detach()
                out[role + ".b"] = getattr(self, "b_" + key(role)).detach()
            elif hasattr(self, "base_" + key(role)):
                out[role] = getattr(self, "w_" + key(role)).detach() - getattr(self, "base_" + key(role))
        for role in self.small:
            if hasattr(self, "base_" + key(role)):
                out[role] = getattr(self, "w_" + key(role)).detach() - getattr(self, "base_" + key(role))
        for task in self.tasks:
            head = getattr(self, "head_" + task)
            out[f"head.{task}.weight"], out[f"head.{task}.bias"] = head.weight.detach(), head.bias.detach()
        return {name: value.float().cpu().contiguous() for name, value in out.items()}

    @torch.no_grad()
    def load_trained(self, state):
        """Takes what `trained` gave. Full differences are turned into factors of this rank where the model has low-rank weights."""
        for role in self.roles:
            if self.rank:
                if role + ".a" in state:
                    a, b = state[role + ".a"], state[role + ".b"]
                elif role in state:
                    a, b = factors(state[role], self.rank)
                else:
                    continue
                a, b = to_rank(a, b, self.rank)
                getattr(self, "a_" + key(role)).copy_(a)
                getattr(self, "b_" + key(role)).copy_(b)
            else:
                change = state[role + ".a"] @ state[role + ".b"] if role + ".a" in state else state.get(role)
                if change is not None:
                    base = getattr(self, "base_" + key(role))
                    getattr(self, "w_" + key(role)).copy_(base + change.to(base.device))
        for role in self.small:
            if role in state and hasattr(self, "base_" + key(role)):
                base = getattr(self, "base_" + key(role))
                getattr(self, "w_" + key(role)).copy_(base + state[role].to(base.device))
        for task in self.tasks:
            if f"head.{task}.weight" in state:
                getattr(self, "head_" + task).weight.copy_(state[f"head.{task}.weight"])
                getattr(self, "head_" + task).bias.copy_(state[f"head.{task}.bias"])


def factors(change, rank):
    """The best product of two matrices of this rank for a difference of two matrices, the weight shared evenly."""
    u, s, v = torch.linalg.svd(change.float(), full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]


def to_rank(a, b, rank):
    if a.shape[1] == rank:
        return a, b
    if a.shape[1] > rank:
        return factors(a @ b, rank)
    pad = rank - a.shape[1]
    return torch.cat([a, torch.zeros(a.shape[0], pad)], 1), torch.cat([b, torch.zeros(pad, b.shape[1])], 0)


def average(states):
    """The mean of several trained states of full differences (not of low-rank factors, whose products do not average)."""
    return {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}


# The file of trained weights: int8 factors, one scale a row of the rank, small tensors in half precision.
def quantise(value, axis):
    scale = value.abs().amax(axis, keepdim=True).clamp(min=1e-12) / 127
    return (value / scale).round().clamp(-127, 127).to(torch.int8), scale


def save(path, state, names, header):
    """Writes trained low-rank weights; tensors are named by the tensor of the graph that they are added to."""
    from safetensors.torch import save_file

    out = {}
    for role, value in state.items():
        if role.endswith((".a", ".b")):
            # One scale a column of a and one a row of b: both belong to one direction of the rank, so they fold into one.
            a = role.endswith(".a")
            if not a:
                continue
            base = role[:-2]
            qa, sa = quantise(state[base + ".a"], 0)
            qb, sb = quantise(state[base + ".b"], 1)
            out[names[base] + ".a"], out[names[base] + ".b"] = qa, qb
            out[names[base] + ".scale"] = (sa.squeeze(0) * sb.squeeze(1)).float()
        elif role.startswith("head."):
            out[role] = value.float()
        else:
            out[names[role] + ".add"] = value.half()
    save_file({name: value.contiguous() for name, value in out.items()}, path, metadata={"kinglet": json.dumps(header, sort_keys=True)})


def load(path, names):
    """Reads a file of `save` into (state by role, header)."""
    from safetensors import safe_open

    roles = {name: role for role, name in names.items()}
    state = {}
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["kinglet"])
        for name in file.keys():
            value = file.get_tensor(name)
            if name.startswith("head."):
                state[name] = value
            elif name.endswith(".add"):
                state[roles[name[:-4]]] = value.float()
            elif name.endswith(".a"):
                state[roles[name[:-2]] + ".a"] = value.float() * file.get_tensor(name[:-2] + ".scale")
            elif name.endswith(".b"):
                state[roles[name[:-2]] + ".b"] = value.float()
    return state, header
