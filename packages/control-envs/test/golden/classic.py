"""Reference episodes of Gymnasium's classic control and the transition tables of its grid worlds.

usage: python classic.py > classic.json      needs gymnasium 1.3.0
"""

import json
import math

import gymnasium
import numpy as np


def actions(env, steps):
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        n = env.action_space.n
        return [int(n / 2 + n / 2 * math.sin(0.7 * t + 0.3)) % int(n) for t in range(steps)]
    high = float(env.action_space.high[0])
    return [float(np.float32(1.3 * high * math.sin(0.3 * t))) for t in range(steps)]


def episode(name, steps, state):
    env = gymnasium.make(name).unwrapped
    env.reset(seed=0)
    if name == "Acrobot-v1":
        env.state = np.array(state, dtype=np.float32)
    elif name.startswith("MountainCarContinuous"):
        env.state = np.array(state, dtype=np.float32)
    else:
        env.state = np.array(state)
    rows, taken = [], actions(env, steps)
    for a in taken:
        act = np.array([a], dtype=np.float32) if isinstance(a, float) else a
        obs, reward, terminated, _, _ = env.step(act)
        rows.append([*(float(x) for x in obs), float(reward), int(terminated)])
        if terminated:
            break
    return {"id": name, "state": [float(x) for x in state], "actions": taken[: len(rows)], "rows": rows}


def table(name, **options):
    env = gymnasium.make(name, **options).unwrapped
    return {
        "id": name,
        "table": [
            [[[float(p), int(s), float(r), int(t)] for p, s, r, t in env.P[i][a]] for a in range(env.action_space.n)]
            for i in range(env.observation_space.n)
        ],
    }


f32 = lambda xs: [float(np.float32(x)) for x in xs]
print(
    json.dumps(
        {
            "gymnasium": gymnasium.__version__,
            "numpy": np.__version__,
            "episodes": [
                episode("CartPole-v1", 100, [0.01, -0.02, 0.03, 0.04]),
                episode("Acrobot-v1", 100, f32([0.05, -0.03, 0.08, -0.01])),
                episode("Acrobot-v1", 30, f32([2.9, 0.3, 1.0, 2.0])),
                episode("MountainCar-v0", 200, [-0.52, 0.0]),
                episode("MountainCar-v0", 50, [0.4, 0.06]),
                episode("MountainCarContinuous-v0", 200, f32([-0.47, 0.0])),
                episode("MountainCarContinuous-v0", 50, f32([0.35, 0.06])),
                episode("MountainCarContinuous-v0", 50, f32([-1.15, -0.06])),
                episode("Pendulum-v1", 100, [2.5, 0.7]),
            ],
            "tables": [
                table("CliffWalking-v1"),
                table("CliffWalkingSlippery-v1"),
                table("FrozenLake-v1"),
                table("FrozenLake8x8-v1"),
            ],
        }
    )
)
