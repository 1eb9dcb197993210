"""Returns of Stable-Baselines3 while it trains, for claims C14 and C15 of `gimbal reproduce fma-pg`: what our runs are held
beside. With `--peer` the claims run it themselves.

    python rl_returns.py --algo sac --env Hopper-v5 --steps 50000 --seeds 1,2,3 --out sac-Hopper-v5.json

A point of a curve is the mean return of the episodes that ended in 1/30 of the run; null where none did. The file is
written after each seed, and seeds that it has already are not run again.
"""

import argparse
import json
import os
import sys

import gymnasium
import stable_baselines3
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor

POINTS = 30
# the numbers of `gimbal bench rl-train`
SETTINGS = {
    "ppo": {
        "n_steps": 2048,
        "batch_size": 64,
        "n_epochs": 10,
        "learning_rate": 3e-4,
        "gamma": 0.99,
        "gae_lambda": 0.95,
        "clip_range": 0.2,
        "ent_coef": 0.0,
        "vf_coef": 0.5,
        "max_grad_norm": 0.5,
    },
    "sac": {
        "batch_size": 256,
        "learning_starts": 1000,
        "learning_rate": 3e-4,
        "gamma": 0.99,
        "tau": 0.005,
        "buffer_size": 100_000,
    },
}
CLASSES = {"ppo": PPO, "sac": SAC}
WIDTHS = {"ppo": [64, 64], "sac": [256, 256]}


class Returns(BaseCallback):
    def __init__(self):
        super().__init__()
        self.ended = []

    def _on_step(self):
        for info in self.locals["infos"]:
            if "episode" in info:
                self.ended.append((self.num_timesteps, float(info["episode"]["r"])))
        return True


def curve(algo, env, steps, seed):
    seen = Returns()
    model = CLASSES[algo](
        "MlpPolicy",
        Monitor(gymnasium.make(env)),
        **SETTINGS[algo],
        policy_kwargs={"net_arch": WIDTHS[algo]},
        seed=seed,
        device="cpu",
    )
    model.learn(steps, callback=seen)
    points = []
    for i in range(POINTS):
        part = [r for at, r in seen.ended if i * steps / POINTS < at <= (i + 1) * steps / POINTS]
        points.append(round(sum(part) / len(part), 1) if part else None)
    return points


def kept(path, wanted):
    """Curves of an earlier call; a file of another run ends this one."""
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        found = json.load(file)
    differs = [key for key, value in wanted.items() if found.get(key) != value]
    if differs:
        sys.exit(f"{path} is of another run: {', '.join(differs)} differ; give another --out")
    return found["curves"]


def write(path, result):
    with open(path + ".tmp", "w") as file:
        json.dump(result, file)
    os.replace(path + ".tmp", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--algo", choices=list(CLASSES), required=True)
    parser.add_argument("--env", required=True)
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--out", required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    run = {
        "env": given.env,
        "algorithm": given.algo,
        "steps": given.steps,
        "settings": SETTINGS[given.algo],
        "versions": {
            "stable-baselines3": stable_baselines3.__version__,
            "torch": torch.__version__,
            "gymnasium": gymnasium.__version__,
        },
    }
    curves = kept(given.out, run)
    for seed in given.seeds.split(","):
        if seed in curves:
            continue
        curves[seed] = curve(given.algo, given.env, given.steps, int(seed))
        write(given.out, {**run, "curves": curves})


main()
