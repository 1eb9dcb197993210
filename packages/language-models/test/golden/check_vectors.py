"""Sentence vectors in sentence-transformers, beside ours, and the time they take.

Run with torch 2.13.0, transformers 5.24.0, sentence-transformers 6.2.0:  python check_vectors.py MODEL OUT.json

OUT.json is what write-vectors.mjs wrote. Fails where a number of a vector differs by more than 1e-4.
"""
import json
import sys
import time

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(1)
model = SentenceTransformer(sys.argv[1], device="cpu")
with open(sys.argv[2], encoding="utf8") as file:
    ours = json.load(file)
model.encode(ours["texts"][:32], batch_size=32)
clock, used = time.perf_counter(), time.process_time()
theirs = model.encode(ours["texts"], batch_size=32, normalize_embeddings=True)
seconds, used = time.perf_counter() - clock, time.process_time() - used
print(f"{len(theirs)} texts: {seconds:.1f} s, {used:.1f} s of processor time")
worst = float(np.abs(theirs - np.asarray(ours["vectors"])).max())
print(f"vectors within {worst:.1e}")
sys.exit(worst > 1e-4)
