"""Makes chat.parquet, ids.parquet and those with labels as Python's datasets writes them.  Run with datasets 5.2.0:  python make_parquet.py"""
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, List, Value

here = Path(__file__).parent
messages = [[{"role": "user", "content": "hé"}, {"role": "assistant", "content": "ho"}]] * 2
Dataset.from_dict({"messages": messages, "id": [7, 8]}).to_parquet(here / "chat.parquet")
Dataset.from_dict({"text": ["a"], "id": [9007199254740993]}).to_parquet(here / "ids.parquet")
answers = ClassLabel(names=["entailment", "neutral", "contradiction"])
features = Features(
    {
        "premise": Value("string"),
        "hypothesis": Value("string"),
        "label": answers,
        "votes": List(answers),
        "by": {"judge": answers},
    }
)
rows = {
    "premise": ["a", "b", "c"],
    "hypothesis": ["d", "e", "f"],
    "label": [2, 0, None],
    "votes": [[2, 1], [], [0]],
    "by": [{"judge": 1}, {"judge": 0}, {"judge": 2}],
}
Dataset.from_dict(rows, features=features).to_parquet(here / "labels.parquet")
# -1 is how datasets writes rows that nobody labelled, SNLI's among them
Dataset.from_dict({**rows, "label": [2, -1, 0]}, features=features).to_parquet(here / "unlabelled.parquet")
