"""Loss of TRL's NashMDTrainer and its gradient on a table of logits: makes nash-md-trl.json. Run it with TRL and torch installed.

The trainer's own `_compute_losses` is executed, on log-probabilities that are masked as the trainer masks them.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import torch
import trl
from trl.experimental.nash_md import NashMDTrainer

torch.manual_seed(0)
# four prefixes, none, 0, 1 and 2, and three tokens; the third completion ended after its first
logits, reference = torch.randn(2, 4, 3).double()
tokens = [[0, 1], [2, 2], [1], [2, 0]]
probability = [0.9, 0.2, 0.5, 0.7]


def log_probs(table):
    rows = torch.log_softmax(table, -1)
    none = rows.new_zeros(())
    return torch.stack([torch.stack([rows[0, t[0]], rows[1 + t[0], t[1]] if len(t) > 1 else none]) for t in tokens])


losses = []
for beta in (0.0, 0.1, 1.0):
    table = logits.clone().requires_grad_()
    trainer = SimpleNamespace(beta=beta)
    loss, _, kl = NashMDTrainer._compute_losses(trainer, log_probs(table), log_probs(reference), torch.tensor(probability))
    loss.backward()
    losses.append({"klCoef": beta, "kl": kl.tolist(), "gradient": table.grad.flatten().tolist()})

out = {
    "versions": {"trl": trl.__version__, "torch": torch.__version__},
    "logits": logits.flatten().tolist(),
    "reference": reference.flatten().tolist(),
    "tokens": tokens,
    "probability": probability,
    "losses": losses,
}
Path(__file__).with_name("nash-md-trl.json").write_text(json.dumps(out, indent=1) + "\n")
