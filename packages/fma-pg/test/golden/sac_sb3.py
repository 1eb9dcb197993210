"""Updates of Stable-Baselines3's SAC from weights, batches and noise that are given: makes sac-sb3.json.

Its own `train` is executed. Run it with stable-baselines3, gymnasium and torch installed.
"""

import stable_baselines3
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.logger import configure
from updates import ACTION, NET, ROWS, SIZES, UPDATES, Smaller, Spaces, batch, evened, layers, save, shaken, trained, twins

SETTINGS = {"learning_rate": 0.01, "gamma": 0.9, "tau": 0.1, "ent_coef": "auto_0.5"}


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
        "critics": twins(model.critic),
        "targets": twins(model.critic_target),
        "logAlpha": model.log_ent_coef.item(),
    }


torch.manual_seed(3)
model = SAC("MlpPolicy", Spaces(), policy_kwargs=NET, device="cpu", **SETTINGS)
model.set_logger(configure(None, []))
for net in (model.critic, model.critic_target):
    shaken(net, 0.3)
    evened(net)
with torch.no_grad():
    model.actor.mu.weight.mul_(4)  # so that actions reach the tanh's bend
before = trees(model)

# noise in the order in which it is drawn: of the states, of the next ones
batches = [batch(noise=torch.randn(ROWS, ACTION), nextNoise=torch.randn(ROWS, ACTION)) for _ in range(UPDATES)]
drawn = iter(noise for b in batches for noise in (b["noise"], b["nextNoise"]))
torch.distributions.Normal.rsample = lambda self, shape=(): self.loc + next(drawn) * self.scale
critic, target = Smaller(model.critic), Smaller(model.critic_target)
steps = trained(model, batches, ("critic_loss", "actor_loss", "ent_coef"))
critic.check(slice(1, None, 2))  # the other calls are the critics' own loss
target.check(slice(None))

save(
    "sac-sb3.json",
    {
        "versions": {"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__},
        "sizes": SIZES,
        "settings": {"learningRate": 0.01, "gamma": 0.9, "tau": 0.1, "alpha": 0.5},
        "before": before,
        "batches": batches,
        "steps": steps,
        "after": trees(model),
    },
)
