"""Opens the model folders of saved/, which Gimbal wrote, in Python's transformers, and keeps what it computes from them.

Run with torch 2.13.0, transformers 5.24.0, tokenizers 0.23.3:  python check_saved.py [FOLDER …]

Fails on a tensor that is missing or unexpected. What the model says of a few texts goes to transformers.json in the
folder: the ids, the logits of the last token and the greedy continuation, with the versions that computed them.
test/saved.test.ts compares them with ours, and the folder with what savePretrained writes today.
"""
import json
import sys
from pathlib import Path

import tokenizers
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = ["the nurse", "the mayor hid the apple", "naïve 🐕 ab", " abc  coat\n"]
NEW_TOKENS = 8


def check(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    model.eval()
    kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
    problems = [f"{kind}: {sorted(info[kind])}" for kind in kinds if info[kind]]
    cases = []
    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1]
            # the folder's generation_config.json says that decoding is greedy
            out = model.generate(torch.tensor([ids]), max_new_tokens=NEW_TOKENS)[0, len(ids) :]
        cases.append({"text": text, "ids": ids, "logits": logits.tolist(), "greedy": out.tolist()})
        if tokenizer.decode(ids, skip_special_tokens=True) != text:
            problems.append(f"{text!r} does not survive its tokens")
    print(folder.name, type(model).__name__, type(tokenizer).__name__, *problems, sep=", ")
    if problems:
        sys.exit(1)
    versions = {m.__name__: m.__version__ for m in (torch, transformers, tokenizers)}
    said = {"versions": versions, "eos": model.generation_config.eos_token_id, "cases": cases}
    (folder / "transformers.json").write_text(json.dumps(said) + "\n")


for name in sys.argv[1:] or sorted((Path(__file__).parent / "saved").iterdir()):
    check(Path(name))
