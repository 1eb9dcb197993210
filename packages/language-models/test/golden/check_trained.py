"""Opens the folders that trained.test.ts has trained a step and saved, in transformers, and keeps what it computes.

Run with torch 2.13.0, transformers 5.24.0:  python check_trained.py FOLDER

Fails on a tensor that is missing, unexpected or of another shape. The logits of a few ids (the last token's, or a
classifier's) and the greedy continuation go to trained.golden.json; test/trained.test.ts compares them with ours.
"""
import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

IDS = [5, 9, 12, 7, 33, 21]
logits, greedy = {}, {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    writes = AutoConfig.from_pretrained(folder).architectures[0].endswith(("ForCausalLM", "LMHeadModel"))
    kind = AutoModelForCausalLM if writes else AutoModelForSequenceClassification
    model, info = kind.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    model.eval()
    kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
    problems = [f"{kind}: {sorted(info[kind])}" for kind in kinds if info[kind]]
    print(folder.name, type(model).__name__, *problems, sep=", ")
    if problems:
        sys.exit(1)
    ids = torch.tensor([IDS])
    with torch.no_grad():
        out = model(ids).logits[0]
        logits[folder.name] = (out[-1] if writes else out).tolist()
        if writes:
            greedy[folder.name] = model.generate(ids, max_new_tokens=8, do_sample=False)[0, len(IDS) :].tolist()
said = {"versions": {m.__name__: m.__version__ for m in (torch, transformers)}, "ids": IDS, "logits": logits, "greedy": greedy}
(Path(__file__).parent / "trained.golden.json").write_text(json.dumps(said) + "\n")
