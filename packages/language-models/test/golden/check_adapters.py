"""Opens the adapters of saved-adapters/, which Gimbal trained and wrote, in PEFT, and keeps what it computes with them.

Run with torch 2.13.0, transformers 5.24.0, peft 0.21.2:  python check_adapters.py

Fails on a tensor that is missing or unexpected. The logits of a few ids, adapted, merged and of the base model alone, go to
peft.json in the folder; test/saved-adapters.test.ts compares them with ours.
"""
import json
import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

HERE = Path(__file__).parent
IDS, TARGETS = [[5, 9, 12, 7, 33, 1]], [[0, 8, 21, 40]]
for folder in sorted((HERE / "saved-adapters").iterdir()):
    config = json.loads((folder / "adapter_config.json").read_text())
    seq2seq = config["task_type"] == "SEQ_2_SEQ_LM"
    kind = AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM
    base = kind.from_pretrained(HERE / config["base_model_name_or_path"], attn_implementation="eager").eval()
    inputs = dict(input_ids=torch.tensor(IDS), **({"decoder_input_ids": torch.tensor(TARGETS)} if seq2seq else {}))
    with torch.no_grad():
        before = base(**inputs).logits[0, -1]
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # PEFT warns of keys that it misses
            model = PeftModel.from_pretrained(base, folder).eval()
        stored = load_file(folder / "adapter_model.safetensors")
        held = peft.get_peft_model_state_dict(model)
        problems = sorted(set(stored) ^ set(held)) + [k for k in stored if k in held and not torch.equal(stored[k], held[k])]
        logits = model(**inputs).logits[0, -1]
        merged = model.merge_and_unload()(**inputs).logits[0, -1]
    print(folder.name, config["task_type"], len(stored), "moved", float((logits - before).abs().max()),
          "merged", float((logits - merged).abs().max()), *problems, sep=", ")
    if problems or float((logits - before).abs().max()) < 1e-2:
        sys.exit(1)
    said = {
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "ids": IDS[0], "targets": TARGETS[0] if seq2seq else [], "logits": logits.tolist(), "merged": merged.tolist(),
    }
    (folder / "peft.json").write_text(json.dumps(said) + "\n")
