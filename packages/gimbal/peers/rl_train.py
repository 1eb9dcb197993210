"""Stable-Baselines3 for `gimbal bench rl-train`: training goes on from call to call, with the settings it is given."""

import gymnasium
import stable_baselines3
import torch
from protocol import serve, threads
from stable_baselines3 import PPO, SAC

torch.set_num_threads(threads())


def ppo(env: str, rollout: int, minibatches: int, epochs: int, learningRate: float, hidden: list, gamma: float):
    model = PPO(
        "MlpPolicy",
        gymnasium.make(env),
        n_steps=rollout,
        batch_size=rollout // minibatches,
        n_epochs=epochs,
        learning_rate=learningRate,
        gamma=gamma,
        gae_lambda=0.95,
        clip_range=0.2,
        ent_coef=0.0,
        vf_coef=0.5,
        max_grad_norm=0.5,
        policy_kwargs={"net_arch": list(hidden)},
        seed=0,
        device="cpu",
    )
    return lambda calls: model.learn(calls * rollout, reset_num_timesteps=False)


def sac(env: str, batchSize: int, learningStarts: int, learningRate: float, hidden: list, gamma: float):
    model = SAC(
        "MlpPolicy",
        gymnasium.make(env),
        batch_size=batchSize,
        learning_starts=learningStarts,
        learning_rate=learningRate,
        gamma=gamma,
        tau=0.005,
        buffer_size=100_000,
        policy_kwargs={"net_arch": list(hidden)},
        seed=0,
        device="cpu",
    )
    model.learn(learningStarts)
    return lambda calls: model.learn(calls * 200, reset_num_timesteps=False)


serve(
    {"ppo": ppo, "sac": sac},
    versions={"torch": torch.__version__, "stable-baselines3": stable_baselines3.__version__, "gymnasium": gymnasium.__version__},
)
