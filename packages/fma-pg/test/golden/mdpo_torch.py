"""Updates of off-policy MDPO (arXiv 2005.09814, section 5.2) from weights, batches and noise that are given: makes
mdpo-torch.json.

Written out, with torch's densities and importance weights; the older policy is copied after the second update. Run it
with gymnasium and torch installed.
"""

from types import SimpleNamespace

import torch
from torch.distributions import Normal, TanhTransform
from updates import ACTION, HIDDEN, OBSERVATION, ROWS, SIZES, UPDATES, Smaller, batch, evened, layers, save, shaken, twins

LEARNING_RATE, GAMMA, TAU, LAMBDA, C = 0.01, 0.9, 0.1, 0.2, 0.7


def mlp(inputs, outputs):
    sizes = [(inputs, HIDDEN), (HIDDEN, HIDDEN)]
    hidden = [x for size in sizes for x in (torch.nn.Linear(*size), torch.nn.ReLU())]
    return torch.nn.Sequential(*hidden, torch.nn.Linear(HIDDEN, outputs))


class Twins(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.qf0, self.qf1 = mlp(OBSERVATION + ACTION, 1), mlp(OBSERVATION + ACTION, 1)

    def forward(self, obs, actions):
        x = torch.cat([obs, actions], 1)
        return self.qf0(x), self.qf1(x)


def policy(net, obs):
    """The Gaussian that is squashed, and its means and log deviations."""
    mean, log_std = net(obs).chunk(2, 1)
    return Normal(mean, log_std.clamp(-20, 2).exp()), (mean, log_std)


def log_prob(normal, u):
    """Of tanh u."""
    return (normal.log_prob(u) - TanhTransform().log_abs_det_jacobian(u, torch.tanh(u))).sum(1, keepdim=True)


def drawn(net, obs, noise):
    normal, outputs = policy(net, obs)
    u = normal.loc + noise * normal.scale
    return u, log_prob(normal, u), outputs


def trees():
    return {
        **{"actor": layers(actor), "old": layers(old)},
        **{"critics": twins(critic), "targets": twins(target)},
    }


torch.manual_seed(4)
actor, old, critic, target = mlp(OBSERVATION, 2 * ACTION), mlp(OBSERVATION, 2 * ACTION), Twins(), Twins()
for net in (actor, old, critic, target):
    shaken(net, 0.3)
for net in (critic, target):
    evened(net)
before = trees()
actor_adam, critic_adam = (torch.optim.Adam(net.parameters(), lr=LEARNING_RATE) for net in (actor, critic))
smaller = Smaller(critic), Smaller(target)

steps, batches = [], []
for update in range(UPDATES):
    noises = {"noise": torch.randn(ROWS, ACTION), "nextNoise": torch.randn(ROWS, ACTION)}
    b = SimpleNamespace(**batch(**noises, weights=torch.rand(ROWS, 1)))
    with torch.no_grad():
        u, log_p, _ = drawn(actor, b.nextObs, b.nextNoise)
        y = b.rewards + GAMMA * (1 - b.terminated) * (torch.min(*target(b.nextObs, torch.tanh(u))) - LAMBDA * log_p)
    critic_loss = sum((b.weights * (q - y) ** 2).mean() for q in critic(b.obs, b.actions))
    critic_adam.zero_grad()
    critic_loss.backward()
    critic_adam.step()

    u, log_p, (mean, log_std) = drawn(actor, b.obs, b.noise)
    log_old = log_prob(policy(old, b.obs)[0], u)
    penalty = 1e-3 * ((mean**2).sum(1).mean() + (log_std**2).sum(1).mean())
    actor_loss = (C * log_p + (LAMBDA - C) * log_old - critic(b.obs, torch.tanh(u))[0]).mean() + penalty
    actor_adam.zero_grad()
    actor_loss.backward()
    actor_adam.step()

    with torch.no_grad():
        for slow, fast in zip(target.parameters(), critic.parameters()):
            slow.lerp_(fast, TAU)
        if update == 1:
            old.load_state_dict(actor.state_dict())
    batches.append(vars(b))
    steps.append({"critic_loss": critic_loss.item(), "actor_loss": actor_loss.item(), "log_prob": log_p.mean().item()})
smaller[0].check(slice(1, None, 2))  # the other calls are the critics' own loss
smaller[1].check(slice(None))

save(
    "mdpo-torch.json",
    {
        "versions": {"torch": torch.__version__},
        "sizes": SIZES,
        "settings": {"learningRate": LEARNING_RATE, "gamma": GAMMA, "tau": TAU, "alpha": LAMBDA, "proximal": C},
        "before": before,
        "batches": batches,
        "steps": steps,
        "after": trees(),
    },
)
