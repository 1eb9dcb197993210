"""Makes sentence-piece.golden.json: small SentencePiece BPE models, as convert_hf_to_gguf writes them into a GGUF file, with the
ids that SentencePiece gives awkward texts.

Run with sentencepiece 0.2.3:  python make_sentence_piece.py

`llama` begins a text with a space of its own, as Llama 2 and Mistral do; `gemma` does not. node-llama-cpp 3.22.1 (llama.cpp)
gives the same ids from files that Gimbal wrote of these models (check-gguf-tokens.mjs).
"""
import io
import json
from pathlib import Path

import sentencepiece

LINES = [
    "the nurse hid the coat and the mayor bought the apple", "The mayor said nothing; the nurse said everything!",
    "naïve café, 12 apples, 345 coats and 6789 hats", "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "in the beginning there was a coat, and the coat was on the chair", "she sells sea shells on the sea shore",
    "function add(a, b) { return a + b; }", "wer reitet so spät durch Nacht und Wind",
]
TEXTS = [
    "the nurse", " the nurse", "the  nurse   hid", "naïve café 12345", "🐕 dog 日本", "", " ", "\n\nthe\tcoat\r\n", "aaaaaaa",
    "<s>the</s>", "add(a,b)", "ﬁne ½ ²", "a▁b", "Nacht und Wind", "shellshellsshe", "coat<unk>coat",
]
models = {}
for name, prefix in {"llama": True, "gemma": False}.items():
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 20), model_writer=out, model_type="bpe", vocab_size=420, byte_fallback=True,
        add_dummy_prefix=prefix, remove_extra_whitespaces=False, normalization_rule_name="identity", character_coverage=0.99,
        allow_whitespace_only_pieces=True, split_digits=True, unk_id=0, bos_id=1, eos_id=2, pad_id=-1, num_threads=1,
    )
    sp = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    ids = range(sp.get_piece_size())
    kind = lambda i: 2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 5 if sp.is_unused(i) else 1
    models[name] = {
        "tokens": [sp.id_to_piece(i) for i in ids], "scores": [sp.get_score(i) for i in ids], "types": [kind(i) for i in ids],
        "addsSpace": prefix,
        "cases": [{"text": text, "ids": sp.encode(text), "decoded": sp.decode(sp.encode(text))} for text in TEXTS],
    }
Path(__file__).with_name("sentence-piece.golden.json").write_text(json.dumps(models, ensure_ascii=False) + "\n")
