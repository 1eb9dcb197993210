"""Writes the files of safetensors/ with the reference implementation.

Versions: torch 2.13.0, safetensors 0.8.0, numpy 2.4.6. Run: python safetensors-files.py
mixed.safetensors   one tensor of each dtype, in an order that the writer must sort; scalar, empty and odd shapes
half.json           float32 bit patterns and what torch rounds them to in bfloat16 and float16 (bits)
sharded/            two shards and an index, laid out as transformers' save_pretrained does
"""
import json
import os

import numpy as np
import torch
from safetensors.torch import save_file

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'safetensors')
os.makedirs(os.path.join(here, 'sharded'), exist_ok=True)

ramp = torch.arange(6, dtype=torch.float32).reshape(2, 3) - 2.5
mixed = {
    'z.f32': ramp,
    'a.f32': torch.tensor([1.5, -2.0]),
    'scalar.f32': torch.tensor(3.25),
    'empty.f32': torch.zeros(0, 3),
    'f64': torch.tensor([0.1, -1e300], dtype=torch.float64),
    'f16': torch.tensor([0.1, 65504.0, 6e-8], dtype=torch.float16),
    'bf16': torch.tensor([0.1, 3.1415927, -0.0], dtype=torch.bfloat16),
    'i8': torch.tensor([-128, 127], dtype=torch.int8),
    'u8': torch.tensor([0, 255, 7], dtype=torch.uint8),
    'i16': torch.tensor([-32768, 32767], dtype=torch.int16),
    'u16': torch.tensor([0, 65535], dtype=torch.uint16),
    'i32': torch.tensor([[-2147483648], [2147483647]], dtype=torch.int32),
    'u32': torch.tensor([0, 4294967295], dtype=torch.uint32),
    'i64': torch.tensor([-1, 9007199254740993], dtype=torch.int64),
    'bool': torch.tensor([True, False, True]),
    'unicode.é😀"\\': torch.tensor([1.0]),
}
save_file(mixed, os.path.join(here, 'mixed.safetensors'), metadata={'format': 'pt'})

# rounding: hand-picked patterns, neighbours of every rounding border, and random ones
rng = np.random.default_rng(0)
patterns = [0x7F800001, 0xFF800001, 0x7F7FFFFF, 0x3F808000, 0x3F818000, 0x00000001, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF]
patterns += [0x7F800000, 0xFF800000, 0x477FE000, 0x477FEFFF, 0x477FF000, 0x47800000, 0x387FC000, 0x38800000, 0x33000000, 0x33000001, 0x33800000, 0x33C00000, 0x32FFFFFF]
patterns += [int(b) for b in rng.integers(0, 2**32, 400)]
# half of them near float16's range, where it rounds rather than saturates
patterns += [int(e) << 23 | int(m) for e, m in zip(rng.integers(100, 144, 400), rng.integers(0, 2**23, 400))]
bits = np.array(patterns, dtype=np.uint32)
x = torch.from_numpy(bits.view(np.float32).copy())
half = {
    'float32': patterns,
    'bfloat16': x.to(torch.bfloat16).view(torch.uint16).tolist(),
    'float16': x.to(torch.float16).view(torch.uint16).tolist(),
}
with open(os.path.join(here, 'half.json'), 'w') as f:
    json.dump(half, f)

shards = [
    {'embed.weight': torch.arange(8, dtype=torch.float32).reshape(4, 2)},
    {'head.weight': torch.arange(8, dtype=torch.float32).reshape(4, 2) / 8, 'head.bias': torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.bfloat16)},
]
weight_map = {}
for i, shard in enumerate(shards):
    name = f'model-{i + 1:05d}-of-{len(shards):05d}.safetensors'
    save_file(shard, os.path.join(here, 'sharded', name), metadata={'format': 'pt'})
    weight_map.update({k: name for k in shard})
index = {'metadata': {'total_parameters': 20, 'total_size': 72}, 'weight_map': weight_map}
with open(os.path.join(here, 'sharded', 'model.safetensors.index.json'), 'w') as f:
    f.write(json.dumps(index, indent=2, sort_keys=True) + '\n')
