"""PyTorch eager for `gimbal bench rl-update`: one update of soft actor-critic, as src/benches/internal/sac-update.ts.

Two critics and their targets, an actor with a squashed Gaussian head, Adam, Polyak averaging; MLPs of 256 and 256 units.
Written as one who cares for speed writes eager PyTorch: the critics are frozen during the actor's backward pass,
distributions do not validate their arguments, Adam is the fused one.
"""

import copy

import torch
from protocol import serve, threads, use_device
from torch import nn

torch.set_num_threads(threads())
use_device(torch)
torch.distributions.Distribution.set_default_validate_args(False)

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )


class Sac:
    def __init__(self, batch: int, observation: int, action: int, hidden: int):
        torch.manual_seed(0)
        self.actor = mlp(observation, hidden, 2 * action)
        self.critics = [mlp(observation + action, hidden, 1) for _ in range(2)]
        self.targets = copy.deepcopy(self.critics)
        self.critic_parameters = [p for critic in self.critics for p in critic.parameters()]
        self.target_parameters = [p for critic in self.targets for p in critic.parameters()]
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=3e-4, fused=True)
        self.critic_optimizer = torch.optim.Adam(self.critic_parameters, lr=3e-4, fused=True)
        self.s, self.s2 = torch.randn(batch, observation), torch.randn(batch, observation)
        self.a = torch.rand(batch, action) * 2 - 1
        self.r, self.done = torch.randn(batch, 1), (torch.rand(batch, 1) < 0.05).float()
        self.alpha, self.gamma, self.tau = 0.2, 0.99, 0.005

    def act(self, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A reparametrised action in (-1, 1) and its log-probability."""
        mean, raw = self.actor(s).chunk(2, dim=-1)
        normal = torch.distributions.Normal(mean, raw.clamp(LOG_STD_MIN, LOG_STD_MAX).exp())
        u = normal.rsample()
        # log(1 - tanh(u)^2) in its stable form
        log_prob = normal.log_prob(u) - 2 * (0.6931471805599453 - u - nn.functional.softplus(-2 * u))
        return torch.tanh(u), log_prob.sum(-1, keepdim=True)

    def update(self) -> None:
        with torch.no_grad():
            a2, log_prob2 = self.act(self.s2)
            x2 = torch.cat([self.s2, a2], dim=-1)
            q2 = torch.min(self.targets[0](x2), self.targets[1](x2)) - self.alpha * log_prob2
            y = self.r + self.gamma * (1 - self.done) * q2
        x = torch.cat([self.s, self.a], dim=-1)
        critic_loss = sum(nn.functional.mse_loss(critic(x), y) for critic in self.critics)
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()

        for p in self.critic_parameters:
            p.requires_grad_(False)
        a, log_prob = self.act(self.s)
        x = torch.cat([self.s, a], dim=-1)
        actor_loss = (self.alpha * log_prob - torch.min(self.critics[0](x), self.critics[1](x))).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        self.actor_optimizer.step()
        for p in self.critic_parameters:
            p.requires_grad_(True)

        with torch.no_grad():
            for target, source in zip(self.target_parameters, self.critic_parameters):
                target.lerp_(source, self.tau)


def update(batch: int, observation: int, action: int, hidden: int):
    sac = Sac(batch, observation, action, hidden)

    def run(calls: int) -> None:
        for _ in range(calls):
            sac.update()

    return run


serve({"update": update}, versions={"torch": torch.__version__})
