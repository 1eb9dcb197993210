"""Losses of TRL's DPOTrainer on given log-probabilities: makes dpo-trl.json. Run it with TRL and torch installed.

The trainer's own code is executed: the lines of `_compute_loss` between the log-ratios and the loss of each name.
"""

import inspect
import json
import textwrap
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
import trl
from trl import DPOTrainer

source = inspect.getsource(DPOTrainer)
start = source.index("        # Get the log ratios for the chosen and rejected responses")
end = source.index('            elif loss_type == "exo_pair":')
robust = source[source.index('            elif loss_type == "robust":') : source.index('            elif loss_type == "bco_pair":')]
norm = source[source.index('            elif loss_type == "sigmoid_norm":') :].split("            else:")[0]
code = textwrap.dedent(source[start:end] + robust + norm)

torch.manual_seed(0)
n = 6
tokens = {"chosen": [1, 4, 7, 12, 3, 20], "rejected": [2, 4, 9, 5, 1, 33]}
draws = {
    side: {
        "policy": (-(torch.rand(n) + 0.5) * torch.tensor(tokens[side])).double(),
        "reference": (-(torch.rand(n) + 0.5) * torch.tensor(tokens[side])).double(),
    }
    for side in tokens
}
width = 40
completion_mask = torch.zeros(2 * n, width)
for row, count in enumerate(tokens["chosen"] + tokens["rejected"]):
    completion_mask[row, :count] = 1

names = {"sigmoid": "sigmoid", "ipo": "ipo", "hinge": "hinge", "robust": "robust", "sigmoid_norm": "sigmoid-norm"}
losses = []
for name, ours in names.items():
    for beta in (0.05, 0.5):
        for smoothing in (0.0, 0.2) if name == "robust" else (0.0,):
            scope = {
                "self": SimpleNamespace(
                    beta=beta,
                    label_smoothing=smoothing,
                    f_divergence_type="reverse_kl",
                    loss_types=[name],
                    loss_weights=[1.0],
                ),
                "torch": torch,
                "F": F,
                "completion_mask": completion_mask,
                "chosen_logps": draws["chosen"]["policy"],
                "rejected_logps": draws["rejected"]["policy"],
                "ref_chosen_logps": draws["chosen"]["reference"],
                "ref_rejected_logps": draws["rejected"]["reference"],
            }
            exec(code, scope)
            values = scope["per_sequence_loss"].tolist()
            losses.append({"loss": ours, "klCoef": beta, "labelSmoothing": smoothing, "values": values})

out = {
    "versions": {"trl": trl.__version__, "torch": torch.__version__},
    **{
        side: {**{k: v.tolist() for k, v in draws[side].items()}, "tokens": tokens[side]} for side in tokens
    },
    "losses": losses,
}
Path(__file__).with_name("dpo-trl.json").write_text(json.dumps(out, indent=1) + "\n")
