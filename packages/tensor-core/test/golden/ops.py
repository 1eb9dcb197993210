"""Reference values of the fused ops from PyTorch, for ../golden-ops.test.ts. Writes ops.json beside it.

Versions: torch 2.13.0. Run, then format the file with biome:

    python ops.py

Inputs are short fixed sequences, so that the file stays small: element i of an array is
scale * sin(seed + 1.7 * i) rounded to float32.
"""

import json
import math
import os

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def wave(shape, seed, scale=1.0):
    n = math.prod(shape)
    values = [scale * math.sin(seed + 1.7 * i) for i in range(n)]
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


def rounded(t):
    return [float(f"{x:.8g}") for x in t.detach().flatten().double().tolist()]


def with_gradients(f, inputs, dy_seed=0.5):
    """Output, and gradients by every float input for an incoming gradient that is a wave too."""
    leaves = {k: v.clone().requires_grad_() for k, v in inputs.items()}
    out = f(**leaves)
    dy = wave(tuple(out.shape), dy_seed)
    grads = torch.autograd.grad(out, list(leaves.values()), dy)
    return {"out": rounded(out), "gradients": {k: rounded(g) for k, g in zip(leaves, grads)}}


def heads(x, n):
    b, t, w = x.shape
    return x.view(b, t, n, w // n).transpose(1, 2)


def attend(q, k, v, n, kv, **o):
    out = F.scaled_dot_product_attention(heads(q, n), heads(k, kv), heads(v, kv), enable_gqa=kv != n, **o)
    return out.transpose(1, 2).reshape(q.shape)


cases = {}

x, scale, offset = wave((3, 5), 1, 2), wave((5,), 2), wave((5,), 3)
cases["layerNorm"] = with_gradients(lambda x, scale, offset: F.layer_norm(x, (5,), scale, offset, 1e-5),
                                    dict(x=x, scale=scale, offset=offset))
cases["rmsNorm"] = with_gradients(lambda x, scale: F.rms_norm(x, (5,), scale, 1e-6), dict(x=x, scale=scale))

a = wave((20,), 1, 5)
for name, f in {
    "gelu": lambda x: F.gelu(x, approximate="tanh"), "gelu-erf": F.gelu, "silu": F.silu, "relu": F.relu,
    "elu": F.elu, "softplus": F.softplus, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
}.items():
    cases[f"activate {name}"] = with_gradients(lambda x, f=f: f(x), dict(x=a))

q, k, v = wave((2, 5, 8), 1, 2), wave((2, 5, 8), 2, 2), wave((2, 5, 8), 3)
cases["attention causal"] = with_gradients(lambda q, k, v: attend(q, k, v, 2, 2, is_causal=True), dict(q=q, k=k, v=v))
cases["attention full"] = with_gradients(lambda q, k, v: attend(q, k, v, 2, 2), dict(q=q, k=k, v=v))
cases["attention grouped"] = with_gradients(lambda q, k, v: attend(q, k, v, 4, 2, is_causal=True),
                                            dict(q=wave((2, 5, 16), 1, 2), k=k, v=v))

logits = wave((4, 6), 1, 3)
targets = torch.tensor([2, 0, 5, 3])
weights = torch.tensor([1.0, 0.0, 0.5, 2.0])
for name, f in {
    "mean": lambda logits: F.cross_entropy(logits, targets),
    "sum": lambda logits: F.cross_entropy(logits, targets, reduction="sum"),
    "none": lambda logits: F.cross_entropy(logits, targets, reduction="none"),
    "smoothed": lambda logits: F.cross_entropy(logits, targets, label_smoothing=0.1),
    "ignored": lambda logits: F.cross_entropy(logits, torch.tensor([2, -100, 5, 3])),
    "weighted": lambda logits: (F.cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum(),
}.items():
    cases[f"crossEntropy {name}"] = with_gradients(f, dict(logits=logits))

# AdamW: ten steps of two tensors, gradients that change every step
p, b = torch.nn.Parameter(wave((3, 4), 1)), torch.nn.Parameter(wave((5,), 2))
optimizer = torch.optim.AdamW([{"params": [p], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}], lr=0.01,
                              betas=(0.9, 0.95), eps=1e-8)
trace = []
for step in range(10):
    p.grad, b.grad = wave((3, 4), 10 + step), wave((5,), 20 + step)
    optimizer.step()
    trace.append({"p": rounded(p), "b": rounded(b)})
cases["adamWTree"] = {"steps": trace}

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.json")
with open(path, "w") as file:
    json.dump({"made by": "ops.py", "torch": torch.__version__, "cases": cases}, file, indent=0)
    file.write("\n")
