"""Makes metrics.golden.json: scores of awkward texts by the reference libraries.

Run with rouge-score 0.1.2, sacrebleu 2.6.0:  python make_metrics.py
"""
import json
from pathlib import Path

import sacrebleu
from rouge_score import rouge_scorer

PAIRS = [
    ["the cat sat on the mat", ["the cat sat on the mat", "a cat sat on a mat"]],
    ["The quick brown fox, jumps over 1,234.5 lazy dogs!", ["A quick brown fox jumped over 1,234.5 lazy dogs."]],
    ["", ["something"]],
    ["hello", [""]],
    ["yes", ["no"]],
    ["a b c d e f g h", ["h g f e d c b a", "a b c d x y z"]],
    ["don't stop-me now &amp; then -- 3-4 (or 5)", ["don't stop me now & then - 3-4 or 5"]],
    ["Ça va? Größe 10€ 日本語 テキスト", ["ça va ? Größe 10 € 日本 語 テキスト"]],
    ["the the the the", ["the cat the dog"]],
    ["police killed the gunman", ["the gunman was killed by police", "police kill the gunman"]],
    ["x" * 40 + " tail", ["x" * 39 + " tail"]],
    ["one two\nthree four", ["one two three four five six"]],
]
scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
cases = []
for prediction, references in PAIRS:
    rouge = scorer.score(references[0], prediction)
    cases.append({
        "prediction": prediction, "references": references,
        "bleu": sacrebleu.sentence_bleu(prediction, references).score,
        "chrf": sacrebleu.sentence_chrf(prediction, references).score,
        "rouge": {k: [v.precision, v.recall, v.fmeasure] for k, v in rouge.items()},
        "tokens": sacrebleu.tokenizers.tokenizer_13a.Tokenizer13a()(prediction),
    })
first = [references[:1] for _, references in PAIRS]
corpus = {
    "bleu": sacrebleu.corpus_bleu([p for p, _ in PAIRS], [[r[0] for r in first]]).score,
    "chrf": sacrebleu.corpus_chrf([p for p, _ in PAIRS], [[r[0] for r in first]]).score,
}
Path(__file__).with_name("metrics.golden.json").write_text(json.dumps({"cases": cases, "corpus": corpus}, indent=1) + "\n")
print(corpus)
