"""PyTorch eager for `gimbal bench lm-train`: forward, loss, backward and torch.optim.AdamW on one batch.

Case `train-step`: sizes of the model, `rows`, `columns`, `precision` ("float32", or "bf16" under autocast).
Case `forward`: the same, without gradients.
Question `losses`: the losses of the first steps from the weights in a safetensors file, on rows that are given.
"""

import torch
from lm_model import Decoder, Sizes, loss, random_ids, read_weights
from protocol import serve, threads, use_device

torch.set_num_threads(threads())
DEVICE = use_device(torch)


class Training:
    def __init__(self, sizes: Sizes, precision: str, weights: dict | None = None, learning_rate: float = 1e-3):
        self.model = Decoder(sizes, weights, trainable=True)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=learning_rate, weight_decay=0.01)
        self.bf16 = precision == "bf16"

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=self.bf16):
            value = loss(self.model, ids)
        value.backward()
        self.optimizer.step()
        return value


def train_step(rows: int, columns: int, precision: str = "float32", **sizes):
    s = Sizes(**sizes)
    training, ids = Training(s, precision), random_ids(s, rows, columns + 1)

    def run(calls: int) -> None:
        for _ in range(calls):
            training.step(ids)

    return run


def forward(rows: int, columns: int, precision: str = "float32", **sizes):
    s = Sizes(**sizes)
    model, ids = Decoder(s), random_ids(s, rows, columns)

    @torch.no_grad()
    def run(calls: int) -> None:
        for _ in range(calls):
            with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=precision == "bf16"):
                model.logits(ids)

    return run


def losses(arguments: dict) -> list[float]:
    """arguments: sizes, `weights` (a file), `ids` [B][T+1], `steps`, `learningRate`."""
    a = dict(arguments)
    weights, ids = read_weights(a.pop("weights")), torch.tensor(a.pop("ids"))
    steps, rate, precision = a.pop("steps"), a.pop("learningRate"), a.pop("precision", "float32")
    training = Training(Sizes(**a), precision, weights, rate)
    return [float(training.step(ids).detach()) for _ in range(steps)]


serve({"train-step": train_step, "forward": forward}, {"losses": losses}, {"torch": torch.__version__})
