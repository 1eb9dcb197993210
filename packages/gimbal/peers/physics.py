"""Gymnasium on native MuJoCo for `gimbal bench physics`: random actions, episodes reset as they end."""

import gymnasium
import mujoco
import numpy as np
from protocol import serve, threads

threads()


def single(id: str):
    env = gymnasium.make(id)
    env.reset(seed=0)
    space = env.action_space
    actions = np.random.default_rng(0).uniform(space.low, space.high, (1000, *space.shape)).astype(space.dtype)
    state = {"t": 0}

    def run(calls: int) -> None:
        for _ in range(calls):
            _, _, terminated, truncated, _ = env.step(actions[state["t"] % 1000])
            state["t"] += 1
            if terminated or truncated:
                env.reset()

    return run


def vector(id: str, copies: int):
    envs = gymnasium.make_vec(id, num_envs=copies, vectorization_mode="sync")
    envs.reset(seed=0)
    space = envs.single_action_space
    actions = np.random.default_rng(0).uniform(space.low, space.high, (100, copies, *space.shape)).astype(space.dtype)
    state = {"t": 0}

    def run(calls: int) -> None:
        for _ in range(calls):
            envs.step(actions[state["t"] % 100])
            state["t"] += 1

    return run


serve(
    {"single": single, "vector": vector},
    versions={"gymnasium": gymnasium.__version__, "mujoco": mujoco.__version__},
)
