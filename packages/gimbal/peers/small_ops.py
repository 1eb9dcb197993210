"""PyTorch eager for `gimbal bench small-ops`: work so small that the time is the library's own."""

import numpy
import torch
from protocol import serve, threads, use_device
from torch import nn

torch.set_num_threads(threads())
DEVICE = use_device(torch)
torch.manual_seed(0)


def add(size: int):
    a, b = torch.randn(size), torch.randn(size)

    def run(calls: int) -> None:
        for _ in range(calls):
            torch.add(a, b)

    return run


def actor_step(observation: int, hidden: int, action: int):
    """An observation from the environment to an action for it: array in, array out."""
    actor = nn.Sequential(
        nn.Linear(observation, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, action)
    )
    seen = numpy.random.default_rng(0).standard_normal((1, observation), dtype=numpy.float32)

    @torch.no_grad()
    def run(calls: int) -> None:
        for _ in range(calls):
            torch.tanh(actor(torch.from_numpy(seen).to(DEVICE))).cpu().numpy()

    return run


serve({"add": add, "actor-step": actor_step}, versions={"torch": torch.__version__})
