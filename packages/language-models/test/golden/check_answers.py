"""Ten questions to a chat model in transformers, from the same GGUF file, beside ours.

Run with torch 2.13.0, transformers 5.24.0, gguf 0.19.0:  python check_answers.py MODEL.gguf OUT.json

OUT.json is what write-answers.mjs wrote. Fails where a prompt's ids or a greedy answer differ, or a logit of the first token by
more than 1e-3.
"""
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
folder, name = os.path.split(os.path.abspath(sys.argv[1]))
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
failed, worst = False, 0.0
with open(sys.argv[2], encoding="utf8") as file:
    rows = json.load(file)
for row in rows:
    chat = [{"role": "user", "content": row["question"]}]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        out = model.generate(
            torch.tensor([ids]), do_sample=False, max_new_tokens=32, output_logits=True, return_dict_in_generate=True
        )
    answer = out.sequences[0, len(ids) :].tolist()
    far = float((out.logits[0][0] - torch.tensor(row["logits"])).abs().max())
    worst = max(worst, far)
    good = ids == row["ids"] and answer == row["answer"] and far < 1e-3
    failed = failed or not good
    print("ok" if good else "NOT OK", f"{far:.1e}", row["question"], "|", row["written"], flush=True)
    if not good:
        print(ids == row["ids"], tokenizer.decode(answer))
print(f"{len(rows)} prompts, logits within {worst:.1e}")
sys.exit(failed)
