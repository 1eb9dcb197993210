"""Loss of TRL's RLOOTrainer and its gradient, away from the policy that sampled: makes rloo-trl.json.

The trainer's own `_compute_loss` is executed on log-probabilities that are given. Run it with TRL and torch installed.
"""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
import trl
from trl import RLOOTrainer

torch.manual_seed(0)
# six completions of at most four tokens
lengths = [4, 2, 3, 1, 4, 3]
mask = torch.tensor([[1.0 if t < n else 0.0 for t in range(4)] for n in lengths]).double()
old = -torch.rand(6, 4).double() * 2 * mask
now = ((old + 0.15 * torch.randn(6, 4).double()) * mask).requires_grad_()
advantages = torch.tensor([1.0, -0.5, 2.0, -1.5, 0.25, -2.0]).double()

ids = torch.zeros(6, 4, dtype=torch.long)
inputs = {"prompt_ids": ids, "prompt_mask": ids, "completion_ids": ids, "completion_mask": mask}
inputs |= {"old_logps": (old * mask).sum(1), "advantages": advantages}
trainer = SimpleNamespace(
    _get_per_token_logps_and_entropies=lambda *_, **__: (now, torch.zeros_like(mask), None),
    aux_loss_enabled=False,
    epsilon_low=0.2,
    epsilon_high=0.2,
    model=SimpleNamespace(training=True),
    accelerator=SimpleNamespace(reduce=lambda x, reduction: x, gather=lambda x: x),
    _metrics=defaultdict(lambda: defaultdict(list)),
)
loss = RLOOTrainer._compute_loss(trainer, None, inputs)
loss.backward()

out = {
    "versions": {"trl": trl.__version__, "torch": torch.__version__},
    "lengths": lengths,
    "logProbs": now.detach().flatten().tolist(),
    "oldLogProbs": old.flatten().tolist(),
    "advantages": advantages.tolist(),
    "loss": loss.item(),
    "gradient": now.grad.flatten().tolist(),
}
Path(__file__).with_name("rloo-trl.json").write_text(json.dumps(out) + "\n")
