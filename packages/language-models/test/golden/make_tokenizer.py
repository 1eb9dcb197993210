"""Makes tokenizer.golden.json: what Hugging Face's own trainer and encoder do with a few awkward texts.

Run with tokenizers 0.23.3:  python make_tokenizer.py
"""
import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = [
    "The mayor bought an apple. The nurse hid a coat, and the pilot sold the drum.",
    "It's the baker's bus; they'll say we've praised it, I'm told: don't!",
    "headline poet praised violin . nurse hid coat . mayor bought apple . pilot sold drum .",
    "naïve café — “quotes” … A\u0301 e\u0301",
    "日本語テキスト 🐕\u200d🦺 i ⭢ j 🐕",
    "tab\tnew\nline\r\nx  y   z ",
    "a\u0085b \ufeff x\u2028y\u00a0z\u3000\u3000w",
    "½ ² ٣ ४ 3.14 1,000 <<48/2=24>> #### 72",
    "",
    "   leading and trailing   ",
    "aaaa aaa aa a aaaaaaaa",
    "one<|endoftext|>two <|pad|> three",
]

special = ["<|pad|>", "<|endoftext|>"]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=330,
    min_frequency=2,
    special_tokens=special,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
# the trainer does not split at special tokens: train on what holds none
tokenizer.train_from_iterator([t for t in TEXTS if "<|" not in t], trainer)
model = json.loads(tokenizer.to_str())["model"]
cases = []
for text in TEXTS:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    # Python's offsets count code points
    cases.append({"text": text, "ids": encoding.ids, "offsets": encoding.offsets, "decoded": tokenizer.decode(encoding.ids)})
golden = {"vocab": model["vocab"], "merges": model["merges"], "cases": cases}
Path(__file__).with_name("tokenizer.golden.json").write_text(json.dumps(golden, ensure_ascii=True) + "\n")
