"""Makes generation.golden.json: what transformers' generate writes with penalties and beam search on the committed models.

Run with torch 2.13.0, transformers 5.24.0:  python make_generation.py
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
CASES = [
    dict(repetition_penalty=1.8),
    dict(no_repeat_ngram_size=2),
    dict(repetition_penalty=1.3, no_repeat_ngram_size=3),
    dict(num_beams=3, num_return_sequences=3),
    dict(num_beams=4, num_return_sequences=4, eos=True),
    dict(num_beams=4, num_return_sequences=2, eos=True, length_penalty=0.0, early_stopping=True),
    dict(num_beams=4, num_return_sequences=2, eos=True, length_penalty=2.0, early_stopping="never"),
    dict(num_beams=2, num_return_sequences=2, eos=True, length_penalty=-1.0, repetition_penalty=1.5),
]
written = []
for name in ["llama-tiny", "gemma2-tiny"]:
    model = AutoModelForCausalLM.from_pretrained(HERE / name, attn_implementation="eager").eval()
    ids = load_file(HERE / name / "expected.safetensors")["ids"].long()
    prompts = [ids[0, :9].tolist(), ids[1, :4].tolist()]
    for case in CASES:
        options = dict(case)
        # many ends, so that completions end at different lengths
        eos = list(range(20, 29)) if options.pop("eos", False) else None
        rows, scores = [], []
        # one at a time: in a padded batch transformers counts the padding as a repetition too
        for prompt in prompts:
            out = model.generate(
                torch.tensor([prompt]), max_new_tokens=10, do_sample=False, pad_token_id=0, eos_token_id=eos,
                return_dict_in_generate=True, output_scores=True, **options,
            )
            rows += [row.tolist() for row in out.sequences[:, len(prompt):]]
            scores += out.sequences_scores.tolist() if "num_beams" in options else []
        if eos:
            rows = [row[: next((i + 1 for i, x in enumerate(row) if x in eos), len(row))] for row in rows]
        written.append(dict(model=name, prompts=prompts, options=options, eos=eos, rows=rows, scores=scores))
        print(name, case, rows, file=sys.stderr)
(HERE / "generation.golden.json").write_text(json.dumps(written) + "\n")
