"""What the scripts of updates share: networks as numbers, batches and noise that are given, and the files they make."""

import json
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy
import torch

OBSERVATION, ACTION, HIDDEN, ROWS, UPDATES = 3, 2, 5, 6, 4
SIZES = {"observation": OBSERVATION, "action": ACTION, "hidden": [HIDDEN, HIDDEN], "rows": ROWS}
NET = {"net_arch": [HIDDEN, HIDDEN]}


class Spaces(gymnasium.Env):
    """Nothing but the two spaces."""

    observation_space = gymnasium.spaces.Box(-9, 9, (OBSERVATION,), numpy.float32)

    def __init__(self, choices=None):
        box = gymnasium.spaces.Box(-1, 1, (ACTION,), numpy.float32)
        self.action_space = box if choices is None else gymnasium.spaces.Discrete(choices)


def layers(net):
    """Weights [in, out] and biases of a chain of linear layers."""
    linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    return [{"weight": layer.weight.T.flatten().tolist(), "bias": layer.bias.tolist()} for layer in linear]


def twins(critic):
    return [layers(critic.qf0), layers(critic.qf1)]


def shaken(net, size):
    """So that a target is not what it is the target of."""
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * size)


def evened(critic):
    """So that each of the two is the smaller one somewhere."""
    with torch.no_grad():
        first, second = critic(torch.randn(64, OBSERVATION), torch.rand(64, ACTION) * 2 - 1)
        critic.qf0[-1].bias -= (first - second).median()


def batch(**more):
    """One row of it is the end of its episode."""
    return {
        "obs": torch.randn(ROWS, OBSERVATION),
        "actions": torch.rand(ROWS, ACTION) * 2 - 1,
        "rewards": torch.randn(ROWS, 1),
        "nextObs": torch.randn(ROWS, OBSERVATION),
        "terminated": torch.tensor([[1.0]] + [[0.0]] * (ROWS - 1)),
        **more,
    }


def trained(model, batches, metrics, after=lambda update: None):
    """Its own `train` on each batch. Returns the metrics of each; `after` is called with the number of each."""
    given = iter(batches)

    def sample(_rows, env=None):
        b = next(given)
        return SimpleNamespace(
            observations=b["obs"],
            actions=b["actions"],
            rewards=b["rewards"],
            next_observations=b["nextObs"],
            dones=b["terminated"],
            discounts=None,
        )

    model.replay_buffer.sample = sample
    steps = []
    for update in range(len(batches)):
        model.train(1, ROWS)
        told = model.logger.name_to_value
        steps.append({name: told[f"train/{name}"] for name in metrics if f"train/{name}" in told})
        model.logger.name_to_value.clear()
        model.logger.name_to_count.clear()
        after(update)
    return steps


class Smaller:
    """Of a twin critic: counts, at each call, the rows where the first is the smaller one."""

    def __init__(self, critic):
        self.rows = []
        critic.register_forward_hook(lambda _module, _inputs, q: self.rows.append((q[0] < q[1]).sum().item()))

    def check(self, calls):
        rows = self.rows[calls]
        assert all(0 < n < ROWS for n in rows), f"a critic is nowhere the smaller one: {rows}"


def plain(x):
    """Tensors and floats as the shortest numbers that are the same float32."""
    if isinstance(x, torch.Tensor):
        x = x.flatten().tolist()
    if isinstance(x, dict):
        return {name: plain(value) for name, value in x.items()}
    if isinstance(x, list):
        return [plain(value) for value in x]
    return float(f"{x:.9g}") if isinstance(x, float) else x


def save(name, out):
    Path(__file__).with_name(name).write_text(json.dumps(plain(out)) + "\n")
