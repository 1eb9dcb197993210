"""Opens a real model with an adapter of ours in transformers and PEFT, and its merged weights as a folder and as GGUF.

Run with torch 2.13.0, transformers 5.24.0, peft 0.21.2, gguf 0.19.0:  python check_adapted.py ADAPTER OUT

OUT is what write-adapted.mjs wrote. Prints how far each logit is from ours at most, and fails above 1e-3 or on a tensor that is
missing, unexpected or, in the GGUF files, another than in the folder (F16: by more than its rounding).
"""
import sys
import warnings
from pathlib import Path

import gguf
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
adapter, out = sys.argv[1], Path(sys.argv[2])
ours = load_file(out / "logits.safetensors")
ids = ours["ids"].long()
failed = False


def say(good: bool, *words) -> None:
    global failed
    failed = failed or not good
    print("ok" if good else "NOT OK", *words, flush=True)


def opened(folder: Path, **o):
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **o)
    problems = [f"{k} {sorted(v)[:3]}" for k, v in info.items() if v]
    say(not problems, o.get("gguf_file", folder.name), "opens", *problems)
    return model.eval()


@torch.inference_mode()
def compare(model, name: str, what: str, within: float = 1e-3) -> None:
    logits = model(ids).logits
    far = float((logits - ours[name]).abs().max())
    same = int((logits.argmax(-1) == ours[name].argmax(-1)).sum())
    say(far < within, f"{what}: logits within {far:.1e} of ours, {same} of {ids.shape[1]} likeliest tokens the same")


base = opened(out / "base")
text = AutoTokenizer.from_pretrained(out / "base").decode(ids[0])
say(AutoTokenizer.from_pretrained(out / "base")(text)["input_ids"] == ids[0].tolist(), "the tokenizer gives the same ids")
compare(base, "base", "base folder, transformers")
moved = float((ours["adapted"] - ours["base"]).abs().max())
say(moved > 1e-2, f"the adapter moves logits by up to {moved:.2f}")
with warnings.catch_warnings():
    warnings.simplefilter("error", UserWarning)  # PEFT warns of keys that it misses
    compare(PeftModel.from_pretrained(base, adapter).eval(), "adapted", "adapter, PEFT")
del base
merged = opened(out / "merged")
compare(merged, "merged", "merged folder, transformers")

# transformers takes a file of such a name in the working directory first: none is called as `gimbal merge` calls its own
for file, rounding in (("merged-f32.gguf", 0.0), ("merged-f16.gguf", 2.0**-11)):
    tensors = gguf.GGUFReader(out / file).tensors
    finite = all(bool(torch.isfinite(torch.from_numpy(gguf.dequantize(t.data, t.tensor_type))).all()) for t in tensors)
    say(finite, f"{file}: {len(tensors)} tensors in gguf")
    read = opened(out, gguf_file=file)
    wanted = dict(merged.named_parameters())
    worst = 0.0
    for name, value in read.named_parameters():
        # subnormal halves are 2^-24 apart
        over = (value - wanted[name]).abs() - rounding * wanted[name].abs() - (2.0**-25 if rounding else 0)
        worst = max(worst, float(over.max()))
    say(worst <= 0, f"{file}: weights as in the folder" + (", rounded" if rounding else ""))
    compare(read, "merged", f"{file}, transformers", 1e-3 if rounding == 0 else float("inf"))
sys.exit(failed)
