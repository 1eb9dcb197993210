"""Reference rollouts of Gymnasium's MuJoCo v5 tasks on native MuJoCo, and the constants of their models.

usage: python bodies.py > bodies.json      needs gymnasium[mujoco] 1.3.0 and mujoco 3.14.0
"""

import json

import gymnasium
import mujoco
import numpy as np

tasks = (
    "Hopper Walker2d HalfCheetah Ant Humanoid Swimmer Reacher Pusher InvertedPendulum InvertedDoublePendulum"
).split()
steps = 100
numbers = lambda xs: [float(x) for x in np.asarray(xs).ravel()]


def rollout(env, qpos, qvel, action):
    """Ignores terminations, as a test of physics and reward must."""
    mujoco.mj_resetData(env.model, env.data)
    env.set_state(qpos, qvel)
    rewards, ends, states = [], [], {}
    for t in range(steps):
        obs, reward, terminated, _, _ = env.step(action(t))
        rewards.append(float(reward))
        ends.append(int(terminated))
        if t + 1 in (1, 20, 50, steps):
            states[t + 1] = {"qpos": numbers(env.data.qpos), "qvel": numbers(env.data.qvel), "obs": numbers(obs)}
    return {"qpos": numbers(qpos), "qvel": numbers(qvel), "rewards": rewards, "terminated": ends, "states": states}


def model(m):
    names = lambda n, of: [of(i).name for i in range(n)]
    return {
        "totalMass": float(m.body_mass.sum()),
        "bodyMass": numbers(m.body_mass),
        "bodyInertia": numbers(m.body_inertia),
        "joints": names(m.njnt, m.joint),
        "jointRange": numbers(m.jnt_range),
        "actuatorGear": numbers(m.actuator_gear[:, 0]),
        "actuatorRange": numbers(m.actuator_ctrlrange),
        "dofDamping": numbers(m.dof_damping),
        "dofArmature": numbers(m.dof_armature),
        "jointStiffness": numbers(m.jnt_stiffness),
        "geomFriction": numbers(m.geom_friction),
        "geomMargin": numbers(m.geom_margin),
        "qpos0": numbers(m.qpos0),
        "timestep": float(m.opt.timestep),
    }


out = {"gymnasium": gymnasium.__version__, "mujoco": mujoco.__version__, "steps": steps, "tasks": []}
for name in tasks:
    env = gymnasium.make(f"{name}-v5").unwrapped
    env.reset(seed=1)
    high = env.action_space.high
    noise = np.random.default_rng(0).uniform(-1, 1, (steps, len(high))).astype(np.float32)
    # legged bodies under full actions are chaotic: MuJoCo compiled twice parts by 0.1 m/s within 100 steps
    reach = np.float32({"HalfCheetah": 0.2, "Ant": 0.2}.get(name, 1))
    start = env.data.qpos.copy(), env.data.qvel.copy()
    sine = lambda t: (0.5 * high * np.sin(0.3 * t + np.arange(len(high)))).astype(np.float32)
    rest = env.init_qpos.copy(), 0 * env.init_qvel
    out["tasks"].append(
        {
            "id": f"{name}-v5",
            "model": model(env.model),
            "conformance": rollout(env, *rest, sine),
            "random": {**rollout(env, *start, lambda t: reach * noise[t] * high), "actions": numbers(reach * noise)},
            "frameSkip": env.frame_skip,
            "obsSize": int(env.observation_space.shape[0]),
        }
    )
print(json.dumps(out))
