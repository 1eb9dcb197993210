"""Makes chat.parquet and ids.parquet as Python's datasets writes them.  Run with datasets 5.2.0:  python make_parquet.py"""
from pathlib import Path

from datasets import Dataset

here = Path(__file__).parent
messages = [[{"role": "user", "content": "hé"}, {"role": "assistant", "content": "ho"}]] * 2
Dataset.from_dict({"messages": messages, "id": [7, 8]}).to_parquet(here / "chat.parquet")
Dataset.from_dict({"text": ["a"], "id": [9007199254740993]}).to_parquet(here / "ids.parquet")
