"""A decoder in PyTorch eager, written by hand as for training small models: GPT-2's block and Llama's.

The names of the parameters are those of Hugging Face's checkpoints, so both sides of a benchmark start from one file.
"""

import json
import math
import struct

import torch
from torch import Tensor
from torch.nn import functional as F


class Sizes:
    """The sizes of a model, under the names that the TypeScript side sends."""

    def __init__(self, family, vocabularySize, contextLength, width, layers, heads, feedForward, kvHeads=None):  # noqa: N803
        self.family, self.vocabulary, self.context, self.width = family, vocabularySize, contextLength, width
        self.layers, self.heads, self.feed_forward = layers, heads, feedForward
        self.kv_heads = kvHeads or heads
        self.head_width = width // heads


def shapes(s: Sizes) -> dict[str, tuple[int, ...]]:
    d, f = s.width, s.feed_forward
    if s.family == "gpt2":
        out = {"transformer.wte.weight": (s.vocabulary, d), "transformer.wpe.weight": (s.context, d)}
        for i in range(s.layers):
            h = f"transformer.h.{i}"
            out |= {
                f"{h}.ln_1.weight": (d,), f"{h}.ln_1.bias": (d,),
                f"{h}.attn.c_attn.weight": (d, 3 * d), f"{h}.attn.c_attn.bias": (3 * d,),
                f"{h}.attn.c_proj.weight": (d, d), f"{h}.attn.c_proj.bias": (d,),
                f"{h}.ln_2.weight": (d,), f"{h}.ln_2.bias": (d,),
                f"{h}.mlp.c_fc.weight": (d, f), f"{h}.mlp.c_fc.bias": (f,),
                f"{h}.mlp.c_proj.weight": (f, d), f"{h}.mlp.c_proj.bias": (d,),
            }  # fmt: skip
        return out | {"transformer.ln_f.weight": (d,), "transformer.ln_f.bias": (d,)}
    kv = s.kv_heads * s.head_width
    out = {"model.embed_tokens.weight": (s.vocabulary, d)}
    for i in range(s.layers):
        h = f"model.layers.{i}"
        out |= {
            f"{h}.input_layernorm.weight": (d,),
            f"{h}.self_attn.q_proj.weight": (d, d), f"{h}.self_attn.k_proj.weight": (kv, d),
            f"{h}.self_attn.v_proj.weight": (kv, d), f"{h}.self_attn.o_proj.weight": (d, d),
            f"{h}.post_attention_layernorm.weight": (d,),
            f"{h}.mlp.gate_proj.weight": (f, d), f"{h}.mlp.up_proj.weight": (f, d), f"{h}.mlp.down_proj.weight": (d, f),
        }  # fmt: skip
    return out | {"model.norm.weight": (d,)}


def initial(s: Sizes) -> dict[str, Tensor]:
    """Random weights, when only the time matters."""
    torch.manual_seed(0)
    out = {}
    for name, shape in shapes(s).items():
        if len(shape) == 1:
            out[name] = torch.zeros(shape) if name.endswith("bias") else torch.ones(shape)
        else:
            out[name] = torch.randn(shape) * 0.02
    return out


def read_weights(path: str) -> dict[str, Tensor]:
    """The float32 tensors of a safetensors file."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        with torch.device("cpu"):
            values = torch.frombuffer(data[begin:end], dtype=torch.float32).reshape(entry["shape"])
        out[name] = values.to(torch.get_default_device(), copy=True)
    return out


class Cache:
    """Keys and values of each layer, allocated once."""

    def __init__(self, s: Sizes, batch: int, capacity: int):
        shape = (batch, s.kv_heads, capacity, s.head_width)
        self.keys = [torch.zeros(shape) for _ in range(s.layers)]
        self.values = [torch.zeros(shape) for _ in range(s.layers)]
        self.length = 0


class Decoder:
    def __init__(self, s: Sizes, weights: dict[str, Tensor] | None = None, trainable: bool = False):
        self.s = s
        weights = weights or initial(s)
        self.w = {name: torch.nn.Parameter(weights[name], requires_grad=trainable) for name in shapes(s)}
        if s.family == "llama":
            half = s.head_width // 2
            frequencies = 10000.0 ** (-torch.arange(half) / half)
            angles = torch.outer(torch.arange(s.context).float(), frequencies)
            self.cos, self.sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)

    def parameters(self) -> list[Tensor]:
        return list(self.w.values())

    def logits(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids [B,T] -> logits [B,T,V], or [B,1,V] of the last column."""
        start = cache.length if cache else 0
        x = self.gpt2(ids, start, cache) if self.s.family == "gpt2" else self.llama(ids, start, cache)
        if cache:
            cache.length += ids.shape[1]
        if last:
            x = x[:, -1:]
        if self.s.family == "gpt2":
            x = F.layer_norm(x, (self.s.width,), self.w["transformer.ln_f.weight"], self.w["transformer.ln_f.bias"])
            return F.linear(x, self.w["transformer.wte.weight"])
        return F.linear(self.rms(x, "model.norm"), self.w["model.embed_tokens.weight"])

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, cache: Cache | None) -> Tensor:
        """q [B,H,T,W], k and v [B,Hkv,T,W] -> [B,T,H*W]."""
        causal = q.shape[2] > 1
        if cache:
            end = cache.length + k.shape[2]
            cache.keys[layer][:, :, cache.length : end] = k
            cache.values[layer][:, :, cache.length : end] = v
            k, v = cache.keys[layer][:, :, :end], cache.values[layer][:, :, :end]
        grouped = k.shape[1] != q.shape[1]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=grouped)
        return y.transpose(1, 2).flatten(2)

    def split(self, x: Tensor, heads: int) -> Tensor:
        return x.unflatten(-1, (heads, self.s.head_width)).transpose(1, 2)

    def affine(self, x: Tensor, name: str) -> Tensor:
        """x [B,T,in], weight [in,out] as GPT-2 stores it -> [B,T,out], the bias fused as transformers' Conv1D does."""
        y = torch.addmm(self.w[f"{name}.bias"], x.flatten(0, 1), self.w[f"{name}.weight"])
        return y.unflatten(0, x.shape[:2])

    def gpt2(self, ids: Tensor, start: int, cache: Cache | None) -> Tensor:
        w, d = self.w, self.s.width
        x = F.embedding(ids, w["transformer.wte.weight"]) + w["transformer.wpe.weight"][start : start + ids.shape[1]]
        for i in range(self.s.layers):
            h = f"transformer.h.{i}"
            n = F.layer_norm(x, (d,), w[f"{h}.ln_1.weight"], w[f"{h}.ln_1.bias"])
            qkv = self.affine(n, f"{h}.attn.c_attn")
            q, k, v = (self.split(part, self.s.heads) for part in qkv.split(d, dim=-1))
            y = self.attend(i, q, k, v, cache)
            x = x + self.affine(y, f"{h}.attn.c_proj")
            n = F.layer_norm(x, (d,), w[f"{h}.ln_2.weight"], w[f"{h}.ln_2.bias"])
            m = F.gelu(self.affine(n, f"{h}.mlp.c_fc"), approximate="tanh")
            x = x + self.affine(m, f"{h}.mlp.c_proj")
        return x

    def rms(self, x: Tensor, name: str) -> Tensor:
        return F.rms_norm(x, (self.s.width,), self.w[f"{name}.weight"], 1e-5)

    def rotate(self, x: Tensor, start: int) -> Tensor:
        end = start + x.shape[2]
        a, b = x.chunk(2, dim=-1)
        return x * self.cos[start:end] + torch.cat([-b, a], dim=-1) * self.sin[start:end]

    def llama(self, ids: Tensor, start: int, cache: Cache | None) -> Tensor:
        w, s = self.w, self.s
        x = F.embedding(ids, w["model.embed_tokens.weight"])
        for i in range(s.layers):
            h = f"model.layers.{i}"
            n = self.rms(x, f"{h}.input_layernorm")
            q = self.rotate(self.split(F.linear(n, w[f"{h}.self_attn.q_proj.weight"]), s.heads), start)
            k = self.rotate(self.split(F.linear(n, w[f"{h}.self_attn.k_proj.weight"]), s.kv_heads), start)
            v = self.split(F.linear(n, w[f"{h}.self_attn.v_proj.weight"]), s.kv_heads)
            x = x + F.linear(self.attend(i, q, k, v, cache), w[f"{h}.self_attn.o_proj.weight"])
            n = self.rms(x, f"{h}.post_attention_layernorm")
            gate = F.silu(F.linear(n, w[f"{h}.mlp.gate_proj.weight"]))
            up = F.linear(n, w[f"{h}.mlp.up_proj.weight"])
            x = x + F.linear(gate * up, w[f"{h}.mlp.down_proj.weight"])
        return x


def loss(model: Decoder, ids: Tensor) -> Tensor:
    """Mean cross-entropy of ids [B,T+1], each token predicted from those before it."""
    logits = model.logits(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())


def random_ids(s: Sizes, rows: int, columns: int) -> Tensor:
    generator = torch.Generator("cpu").manual_seed(math.prod((rows, columns)))
    ids = torch.randint(0, s.vocabulary, (rows, columns), generator=generator, device="cpu")
    return ids.to(torch.get_default_device())
