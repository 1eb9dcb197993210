"""PyTorch eager for `gimbal bench reward`: a training step of a Bradley-Terry reward model on a decoder.

Case `train-step`: sizes of the model, `pairs`, `columns`. Chosen rows and rejected ones go through in one batch; the score is
one linear unit on the last state; torch.optim.AdamW.
"""

import torch
from lm_model import Decoder, Sizes, random_ids
from protocol import serve, threads
from torch.nn import functional as F

torch.set_num_threads(threads())


def train_step(pairs: int, columns: int, **sizes):
    s = Sizes(**sizes)
    model, ids = Decoder(s, trainable=True), random_ids(s, 2 * pairs, columns)
    head = torch.nn.Parameter(torch.randn(1, s.width) * 0.02)
    optimizer = torch.optim.AdamW([*model.parameters(), head], lr=1e-4, weight_decay=0.01)

    def run(calls: int) -> None:
        for _ in range(calls):
            optimizer.zero_grad(set_to_none=True)
            states = model.gpt2(ids, 0, None)[:, -1]
            states = F.layer_norm(states, (s.width,), model.w["transformer.ln_f.weight"], model.w["transformer.ln_f.bias"])
            scores = F.linear(states, head)[:, 0]
            F.softplus(scores[pairs:] - scores[:pairs]).mean().backward()
            optimizer.step()

    return run


serve({"train-step": train_step}, None, {"torch": torch.__version__})
