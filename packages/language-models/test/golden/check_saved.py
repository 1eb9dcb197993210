"""Opens a model folder that Gimbal saved in Python's transformers and compares with what Gimbal computed from it.

Run:  python check_saved.py FOLDER   where FOLDER holds the model and gimbal.json:
{"texts": [...], "ids": [[...]], "logits": [[...]] of the last token of each text, "greedy": [[...]]}
Prints the largest difference and fails beyond 1e-4, on another token id, or on a tensor that is missing or unexpected.
"""
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = Path(sys.argv[1])
said = json.loads((folder / "gimbal.json").read_text())
tokenizer = AutoTokenizer.from_pretrained(folder)
model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
model.eval()
problems = [f"{kind}: {sorted(info[kind])}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]]
largest = 0.0
for text, ids, logits, greedy in zip(said["texts"], said["ids"], said["logits"], said["greedy"]):
    ours = tokenizer(text, add_special_tokens=False)["input_ids"]
    if ours != ids:
        problems.append(f"ids of {text!r}: {ours} instead of {ids}")
    with torch.no_grad():
        theirs = model(torch.tensor([ids])).logits[0, -1]
        largest = max(largest, float((theirs - torch.tensor(logits)).abs().max()))
        out = model.generate(torch.tensor([ids]), max_new_tokens=len(greedy), do_sample=False, top_k=None, top_p=None, temperature=None)
        if out[0, len(ids) :].tolist() != greedy:
            problems.append(f"greedy after {text!r}: {out[0, len(ids):].tolist()} instead of {greedy}")
if largest > 1e-4:
    problems.append(f"logits differ by {largest}")
print(type(model).__name__, type(tokenizer).__name__, f"largest difference of logits {largest:.2e}", *problems, sep="\n")
sys.exit(1 if problems else 0)
