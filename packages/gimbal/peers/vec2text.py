"""A bottleneck encoder-decoder written by hand in PyTorch, for `gimbal bench vec2text`.

The model of @gimbal/vec2text at the sizes of a config, of nn.Linear, nn.LayerNorm and scaled_dot_product_attention, with the
weights of a safetensors file. Texts are words of a list, as there.

Case `encode`: texts to codes, one padded batch. Case `decode`: codes to texts, greedily, the whole rows read again for each token.
Case `train-step`: an autoencoding step on a fresh batch of texts: loss, backward, clipping, torch.optim.AdamW.
Question `results`: codes of texts, and the texts of those codes.
"""

import torch
from lm_model import read_weights
from protocol import serve, threads
from torch import Tensor, nn
from torch.nn import functional as F

torch.set_num_threads(threads())


class Attention(nn.Module):
    """Packed queries, keys and values of one stream, or queries of it and keys and values of a memory."""

    def __init__(self, width: int, heads: int, crossed: bool = False):
        super().__init__()
        self.heads, self.crossed = heads, crossed
        names = {"q": width, "k": width, "v": width} if crossed else {"qkv": 3 * width}
        for name, out in names.items():
            self.add_module(name, nn.Linear(width, out, bias=False))
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        q, k, v = (self.q(x), self.k(memory), self.v(memory)) if self.crossed else self.qkv(x).chunk(3, -1)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return self.out(y.transpose(1, 2).flatten(2))


class Mlp(nn.Sequential):
    def __init__(self, width: int, ffn: int):
        super().__init__()
        self.add_module("in", nn.Linear(width, ffn))
        self.add_module("relu", nn.ReLU())
        self.add_module("out", nn.Linear(ffn, width))


class Block(nn.Module):
    def __init__(self, c: dict, decodes: bool):
        super().__init__()
        d, self.decodes = c["width"], decodes
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.self = Attention(d, c["heads"])
        self.mlp = Mlp(d, c["ffn"])
        if decodes:
            self.cross = Attention(d, c["heads"], crossed=True)
            self.norm3 = nn.LayerNorm(d)

    def forward(self, x: Tensor, mask: Tensor | None = None, memory: Tensor | None = None) -> Tensor:
        x = x + self.self(self.norm1(x), mask=mask, causal=self.decodes)
        if not self.decodes:
            return x + self.mlp(self.norm2(x))
        x = x + self.cross(self.norm2(x), memory)
        return x + self.mlp(self.norm3(x))


class Stack(nn.ModuleDict):
    def __init__(self, c: dict, layers: int, decodes: bool):
        super().__init__({str(i): Block(c, decodes) for i in range(layers)} | {"norm": nn.LayerNorm(c["width"])})

    def forward(self, x: Tensor, *more: Tensor | None) -> Tensor:
        for name, block in self.items():
            x = block(x) if name == "norm" else block(x, *more)
        return x


class Vec2Text(nn.Module):
    def __init__(self, c: dict, weights: str, words: list[str]):
        super().__init__()
        d, v, self.c = c["width"], c["vocabSize"], c
        self.embedding, self.positions = nn.Embedding(v, d), nn.Embedding(c["maxLength"], d)
        self.encoder = Stack(c, c["encoderLayers"], decodes=False)
        self.bottleneck = nn.Linear(d, c["controlDim"])
        self.memory = nn.Linear(c["controlDim"], c["memorySlots"] * d)
        self.decoder = Stack(c, c["decoderLayers"], decodes=True)
        self.output = nn.Linear(d, v)
        tensors = read_weights(weights)
        linear = {f"{name}.weight" for name, module in self.named_modules() if isinstance(module, nn.Linear)}
        self.load_state_dict({name: t.T if name in linear else t for name, t in tensors.items()})
        bans = torch.zeros(v)
        bans[[c["padId"], c["bosId"], c["maskId"]]] = -1e9
        self.register_buffer("bans", bans, persistent=False)
        self.words, self.ids = words, {word: i for i, word in enumerate(words)}

    def rows(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Ids [B,L], ended by EOS and filled up with PAD, and the number of tokens in each."""
        pad, eos = self.c["padId"], self.c["eosId"]
        rows = [[*(self.ids[word] for word in text.split()), eos] for text in texts]
        width = max(map(len, rows))
        return torch.tensor([row + [pad] * (width - len(row)) for row in rows]), torch.tensor([len(row) for row in rows])

    def embed(self, ids: Tensor) -> Tensor:
        return self.embedding(ids) + self.positions.weight[: ids.shape[1]]

    def encode(self, ids: Tensor, lengths: Tensor) -> Tensor:
        mask = torch.arange(ids.shape[1]) < lengths[:, None]
        states = self.encoder(self.embed(ids), mask[:, None, None])
        pooled = (states * mask[:, :, None]).sum(1) / lengths[:, None]
        return torch.tanh(self.bottleneck(pooled))

    def states(self, z: Tensor, shifted: Tensor) -> Tensor:
        memory = self.memory(z).unflatten(-1, (self.c["memorySlots"], -1))
        return self.decoder(self.embed(shifted), None, memory)

    def greedy(self, z: Tensor) -> list[str]:
        bos, eos = self.c["bosId"], self.c["eosId"]
        ids = torch.full((len(z), 1), bos)
        ended = torch.zeros(len(z), dtype=torch.bool)
        for _ in range(self.c["maxLength"]):
            logits = self.output(self.states(z, ids)[:, -1]) + self.bans
            ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], 1)
            ended |= ids[:, -1] == eos
            if ended.all():
                break
        texts = []
        for row in ids[:, 1:].tolist():
            end = row.index(eos) if eos in row else len(row)
            texts.append(" ".join(self.words[i] for i in row[:end]))
        return texts


@torch.inference_mode()
def results(arguments: dict) -> dict:
    """arguments: `config`, `weights` (a file), `words`, `texts`."""
    a = dict(arguments)
    texts = a.pop("texts")
    model = Vec2Text(a["config"], a["weights"], a["words"])
    codes = model.encode(*model.rows(texts))
    return {"codes": codes.flatten().tolist(), "texts": model.greedy(codes)}


def encode(config: dict, weights: str, words: list[str], texts: list[str]):
    model = Vec2Text(config, weights, words)

    @torch.inference_mode()
    def run(calls: int) -> None:
        for _ in range(calls):
            model.encode(*model.rows(texts)).numpy()

    return run


def decode(config: dict, weights: str, words: list[str], texts: list[str]):
    model = Vec2Text(config, weights, words)
    with torch.inference_mode():
        codes = model.encode(*model.rows(texts)).numpy()

    @torch.inference_mode()
    def run(calls: int) -> None:
        for _ in range(calls):
            model.greedy(torch.from_numpy(codes))

    return run


def train_step(config: dict, weights: str, words: list[str], texts: list[str], batch: int):
    model = Vec2Text(config, weights, words)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    pad, bos = config["padId"], config["bosId"]
    token_rows = [model.rows([text])[0][0] for text in texts]
    lengths = torch.tensor([len(row) for row in token_rows])

    def run(calls: int) -> None:
        for _ in range(calls):
            some = torch.randint(len(texts), (batch,))
            ids = nn.utils.rnn.pad_sequence([token_rows[i] for i in some], batch_first=True, padding_value=pad)
            z = model.encode(ids, lengths[some])
            logits = model.output(model.states(z, F.pad(ids[:, :-1], (1, 0), value=bos))) + model.bans
            loss = F.cross_entropy(logits.flatten(0, 1), ids.flatten(), ignore_index=pad)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    return run


serve(
    {"encode": encode, "decode": decode, "train-step": train_step},
    {"results": results},
    {"torch": torch.__version__},
)
