"""Updates of DQN from weights and batches that are given: makes dqn-sb3.json.

Of the plain maximum Stable-Baselines3's own `train` is executed; it has no double estimator: that one is written out
below, with importance weights. Run it with stable-baselines3, gymnasium and torch installed.
"""

import stable_baselines3
import torch
from stable_baselines3 import DQN
from stable_baselines3.common.logger import configure
from torch.nn.functional import smooth_l1_loss
from updates import NET, ROWS, SIZES, UPDATES, Spaces, batch, layers, save, shaken, trained

CHOICES, LEARNING_RATE, GAMMA, TAU, MAX_NORM = 3, 0.01, 0.9, 0.5, 0.33


def trees(model):
    return {"q": layers(model.q_net.q_net), "target": layers(model.q_net_target.q_net)}


def td_error(model, b, double):
    with torch.no_grad():
        later, online = model.q_net_target(b["nextObs"]), model.q_net(b["nextObs"])
        best = (online if double else later).argmax(1, keepdim=True)
        y = b["rewards"] + GAMMA * (1 - b["terminated"]) * later.gather(1, best)
        differ = (later.argmax(1) != online.argmax(1)).sum().item()
    return model.q_net(b["obs"]).gather(1, b["actions"].long()), y, differ


def double_update(model, b):
    q, y, _ = td_error(model, b, True)
    loss = (b["weights"] * smooth_l1_loss(q, y, reduction="none")).mean()
    model.policy.optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.q_net.parameters(), MAX_NORM)
    model.policy.optimizer.step()
    return {"loss": loss.item()}


def case(double):
    torch.manual_seed(0)
    model = DQN(
        *("MlpPolicy", Spaces(CHOICES)),
        **{"policy_kwargs": NET, "device": "cpu", "max_grad_norm": MAX_NORM},
        **{"learning_rate": LEARNING_RATE, "gamma": GAMMA},
    )
    model.set_logger(configure(None, []))
    shaken(model.q_net, 0.3)
    shaken(model.q_net_target, 0.5)
    before = trees(model)
    # the later two of larger rewards: errors beyond Huber's bend
    batches = []
    for update in range(UPDATES):
        b = batch(actions=torch.randint(CHOICES, (ROWS, 1)), weights=torch.rand(ROWS, 1) + 0.3 if double else torch.ones(ROWS, 1))
        b["rewards"] *= 0.5 if update < 2 else 4
        batches.append(b)

    norms, beyond, differ = [], [], []
    clip = torch.nn.utils.clip_grad_norm_
    torch.nn.utils.clip_grad_norm_ = lambda p, most: norms.append(clip(p, most).item())

    def copied(update):
        if update == 1:
            with torch.no_grad():
                for target, q in zip(model.q_net_target.parameters(), model.q_net.parameters()):
                    target.mul_(1 - TAU).add_(q, alpha=TAU)

    steps = []
    for update, b in enumerate(batches):
        q, y, n = td_error(model, b, double)
        beyond.append(((q - y).abs() > 1).sum().item())
        differ.append(n)
        steps += [double_update(model, b)] if double else trained(model, [b], ("loss",))
        copied(update)
    torch.nn.utils.clip_grad_norm_ = clip
    assert min(norms) < MAX_NORM < max(norms), norms
    assert any(0 < n < ROWS for n in beyond), beyond
    assert all(differ), differ
    return {"double": double, "before": before, "batches": batches, "steps": steps, "after": trees(model)}


save(
    "dqn-sb3.json",
    {
        "versions": {"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__},
        "sizes": {**SIZES, "action": CHOICES},
        "settings": {"learningRate": LEARNING_RATE, "gamma": GAMMA, "tau": TAU, "maxGradNorm": MAX_NORM},
        "cases": [case(False), case(True)],
    },
)
