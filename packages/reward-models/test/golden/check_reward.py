"""Opens saved/, a reward model that Gimbal wrote, in Python's transformers, and keeps the rewards it gives.

Run with torch 2.13.0, transformers 5.24.0, tokenizers 0.23.3:  python check_reward.py

Fails on a tensor that is missing or unexpected. The rewards of a few prompts with answers, alone and in one padded batch,
go to transformers.json in the folder, with the versions that computed them; test/saved.test.ts compares them with ours.
"""
import json
import sys
from pathlib import Path

import tokenizers
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

CASES = [("the nurse", " hid the coat"), ("the mayor", " bought"), ("", "naïve 🐕 ab"), ("the nurse hid", " the apple the apple")]

folder = Path(__file__).parent / "saved"
tokenizer = AutoTokenizer.from_pretrained(folder)
model, info = AutoModelForSequenceClassification.from_pretrained(
    folder, output_loading_info=True, attn_implementation="eager"
)
model.eval()
problems = [f"{k}: {sorted(info[k])}" for k in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[k]]
if problems or model.config.num_labels != 1:
    sys.exit(f"{problems} {model.config.num_labels}")
suffix = json.loads((folder / "tokenizer_config.json").read_text()).get("prompt_suffix", "")
ids = [
    (tokenizer(p + suffix, add_special_tokens=False)["input_ids"] if p else [])
    + tokenizer(c, add_special_tokens=False)["input_ids"]
    + [tokenizer.eos_token_id]
    for p, c in CASES
]
width = max(map(len, ids))
with torch.no_grad():
    alone = [model(torch.tensor([row])).logits[0, 0].item() for row in ids]
    batch = torch.tensor([row + [model.config.pad_token_id] * (width - len(row)) for row in ids])
    together = model(batch, attention_mask=(torch.arange(width)[None] < torch.tensor([[len(r)] for r in ids])).long()).logits
versions = {m.__name__: m.__version__ for m in (torch, transformers, tokenizers)}
said = {
    "versions": versions,
    "class": type(model).__name__,
    "cases": [{"prompt": p, "answer": c, "ids": i, "reward": r} for (p, c), i, r in zip(CASES, ids, alone)],
}
assert torch.allclose(together[:, 0], torch.tensor(alone), atol=1e-5)
(folder / "transformers.json").write_text(json.dumps(said) + "\n")
print(type(model).__name__, alone)
