"""Updates of Stable-Baselines3's SAC from weights, batches and noise that are given: makes sac-sb3.json.

Its own `train` is executed. Run it with stable-baselines3, gymnasium and torch installed.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy
import stable_baselines3
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.logger import configure

OBSERVATION, ACTION, HIDDEN, ROWS, UPDATES = 3, 2, 5, 6, 4
SETTINGS = {"learning_rate": 0.01, "gamma": 0.9, "tau": 0.1, "ent_coef": "auto_0.5"}


class Spaces(gymnasium.Env):
    """Nothing but the two spaces."""

    observation_space = gymnasium.spaces.Box(-9, 9, (OBSERVATION,), numpy.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (ACTION,), numpy.float32)


def layers(net):
    """Weights [in, out] and biases of a chain of linear layers."""
    linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    return [{"weight": layer.weight.T.flatten().tolist(), "bias": layer.bias.tolist()} for layer in linear]


def actor_layers(actor):
    """Its trunk, and both heads side by side."""
    heads = {
        "weight": torch.cat([actor.mu.weight, actor.log_std.weight]).T.flatten().tolist(),
        "bias": torch.cat([actor.mu.bias, actor.log_std.bias]).tolist(),
    }
    return [*layers(actor.latent_pi), heads]


def trees(model):
    return {
        "actor": actor_layers(model.actor),
        "critics": [layers(model.critic.qf0), layers(model.critic.qf1)],
        "targets": [layers(model.critic_target.qf0), layers(model.critic_target.qf1)],
        "logAlpha": model.log_ent_coef.item(),
    }


torch.manual_seed(0)
model = SAC("MlpPolicy", Spaces(), policy_kwargs={"net_arch": [HIDDEN, HIDDEN]}, device="cpu", **SETTINGS)
model.set_logger(configure(None, []))
# so that actions reach the tanh's bend, and both critics are the smaller one somewhere
with torch.no_grad():
    model.actor.mu.weight.mul_(4)
before = trees(model)

batches = []
for _ in range(UPDATES):
    batches.append(
        {
            "obs": torch.randn(ROWS, OBSERVATION),
            "actions": torch.rand(ROWS, ACTION) * 2 - 1,
            "rewards": torch.randn(ROWS, 1),
            "nextObs": torch.randn(ROWS, OBSERVATION),
            "terminated": torch.tensor([[1.0]] + [[0.0]] * (ROWS - 1)),
            # in the order in which they are drawn: of the states, of the next ones
            "noise": torch.randn(ROWS, ACTION),
            "nextNoise": torch.randn(ROWS, ACTION),
        }
    )

drawn = iter(noise for batch in batches for noise in (batch["noise"], batch["nextNoise"]))
torch.distributions.Normal.rsample = lambda self, shape=(): self.loc + next(drawn) * self.scale
given = iter(batches)


def sample(_rows, env=None):
    batch = next(given)
    return SimpleNamespace(
        observations=batch["obs"],
        actions=batch["actions"],
        rewards=batch["rewards"],
        next_observations=batch["nextObs"],
        dones=batch["terminated"],
        discounts=None,
    )


model.replay_buffer.sample = sample
steps = []
for _ in range(UPDATES):
    model.train(1, ROWS)
    steps.append({name: model.logger.name_to_value[f"train/{name}"] for name in ("critic_loss", "actor_loss", "ent_coef")})
    model.logger.name_to_value.clear()
    model.logger.name_to_count.clear()

out = {
    "versions": {"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__},
    "sizes": {"observation": OBSERVATION, "action": ACTION, "hidden": [HIDDEN, HIDDEN], "rows": ROWS},
    "settings": {"learningRate": 0.01, "gamma": 0.9, "tau": 0.1, "alpha": 0.5},
    "before": before,
    "batches": [{name: x.flatten().tolist() for name, x in batch.items()} for batch in batches],
    "steps": steps,
    "after": trees(model),
}
Path(__file__).with_name("sac-sb3.json").write_text(json.dumps(out) + "\n")
