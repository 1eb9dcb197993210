"""Makes gguf.golden.json: blocks of every type with their values, and values with their blocks, by the reference library.

Run with gguf 0.19.0, numpy:  python make_gguf.py
"""
import json
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

rng = np.random.default_rng(7)
read = {}
for name in ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]:
    kind = GGMLQuantizationType[name]
    size, stride = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (3, stride), dtype=np.uint8)
    for at in {"Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q4_1": [0, 2], "Q5_1": [0, 2]}.get(name, [0]):
        blocks[:, at : at + 2] = rng.normal(0, 0.05, 3).astype(np.float16).view(np.uint8).reshape(3, 2)
    values = quants.dequantize(blocks, kind).astype(np.float32)
    read[name] = {"blocks": blocks.tobytes().hex(), "values": values.tobytes().hex()}
rows = rng.normal(0, 1, (6, 64)).astype(np.float32)
rows[1] = 0
rows[2] = -9
rows[3] = 9
rows[4] = 1e-30
rows[5] = rng.normal(0, 1e-3, 64)
rows[5, 40] = 1e4
# halves: with a largest of 127 the step is 1, and Q8_0 rounds them away from zero
ties = (np.arange(64) - 32).astype(np.float32) + 0.5
ties[[0, 32]] = 127
rows = np.concatenate([rows, ties[None]])
written = {name: quants.quantize(rows, GGMLQuantizationType[name]).tobytes().hex() for name in ["Q8_0", "Q4_0", "F16"]}
Path(__file__).with_name("gguf.golden.json").write_text(json.dumps({"read": read, "rows": rows.tobytes().hex(), "written": written}, indent=1) + "\n")
