"""Opens the folders of saved-seq2seq/, which Gimbal trained a step and wrote, in transformers, and keeps what it computes.

Run with torch 2.13.0, transformers 5.24.0:  python check_seq2seq.py

Fails on a tensor that is missing or unexpected. The logits of a few ids and the greedy continuation go to
transformers.json in the folder; test/seq2seq.test.ts compares them with ours.
"""
import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForSeq2SeqLM

IDS, TARGETS = [[5, 9, 12, 7, 33, 1]], [[0, 8, 21, 40]]
for folder in sorted((Path(__file__).parent / "saved-seq2seq").iterdir()):
    model, info = AutoModelForSeq2SeqLM.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    model.eval()
    kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
    problems = [f"{kind}: {sorted(info[kind])}" for kind in kinds if info[kind]]
    with torch.no_grad():
        logits = model(torch.tensor(IDS), decoder_input_ids=torch.tensor(TARGETS)).logits[0, -1]
        out = model.generate(torch.tensor(IDS), max_new_tokens=8)[0, 1:]
    print(folder.name, type(model).__name__, *problems, sep=", ")
    if problems:
        sys.exit(1)
    said = {"version": transformers.__version__, "ids": IDS[0], "targets": TARGETS[0], "logits": logits.tolist(), "greedy": out.tolist()}
    (folder / "transformers.json").write_text(json.dumps(said) + "\n")
