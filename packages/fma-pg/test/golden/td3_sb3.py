"""Updates of Stable-Baselines3's TD3 from weights, batches and noise that are given: makes td3-sb3.json.

Its own `train` is executed. Run it with stable-baselines3, gymnasium and torch installed.
"""

import stable_baselines3
import torch
from stable_baselines3 import TD3
from stable_baselines3.common.logger import configure
from updates import ACTION, NET, ROWS, SIZES, UPDATES, Smaller, Spaces, batch, evened, layers, save, shaken, trained, twins

SETTINGS = {"learning_rate": 0.01, "gamma": 0.9, "tau": 0.1, "policy_delay": 2}
NOISE = {"target_policy_noise": 0.4, "target_noise_clip": 0.5}


def trees(model):
    return {
        "actor": layers(model.actor.mu),
        "actorTarget": layers(model.actor_target.mu),
        "critics": twins(model.critic),
        "targets": twins(model.critic_target),
    }


torch.manual_seed(0)
model = TD3("MlpPolicy", Spaces(), policy_kwargs=NET, device="cpu", **SETTINGS, **NOISE)
model.set_logger(configure(None, []))
for net in (model.critic, model.critic_target, model.actor_target):
    shaken(net, 0.3)
for net in (model.critic, model.critic_target):
    evened(net)
before = trees(model)

batches = [batch(noise=torch.randn(ROWS, ACTION)) for _ in range(UPDATES)]
drawn = iter(b["noise"] for b in batches)
torch.Tensor.normal_ = lambda self, mean, std: self.copy_(mean + std * next(drawn))
clipped = [(0.4 * b["noise"]).abs() > 0.5 for b in batches]
assert all(0 < c.sum() < c.numel() for c in clipped), "noise is to be clipped, but not all of it"
target = Smaller(model.critic_target)
# the second and the fourth update are of the actor and the targets, too
steps = trained(model, batches, ("critic_loss", "actor_loss"))
target.check(slice(None))

save(
    "td3-sb3.json",
    {
        "versions": {"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__},
        "sizes": SIZES,
        "settings": {
            **{"learningRate": 0.01, "gamma": 0.9, "tau": 0.1, "policyDelay": 2},
            **{"targetNoise": 0.4, "targetNoiseClip": 0.5},
        },
        "before": before,
        "batches": batches,
        "steps": steps,
        "after": trees(model),
    },
)
