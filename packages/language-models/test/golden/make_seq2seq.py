"""Makes t5-tiny/ (T5: ReLU, tied, scaled) and t5-gated-tiny/ (T5 v1.1, Flan-T5: gated, a head of its own): checkpoints as
transformers saves them, with what it computes from them.

Run with torch 2.13.0, transformers 5.24.0, tokenizers 0.23.3, safetensors 0.8.0:  python make_seq2seq.py

Every parameter is perturbed, so that a missing norm or scale shows; heads × d_kv is not d_model; the rows are longer than
the distance from which all are one bucket; one source and one target are padded.
"""
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

HERE = Path(__file__).parent
SIZE = dict(
    vocab_size=64, d_model=32, d_kv=12, d_ff=48, num_layers=3, num_decoder_layers=2, num_heads=4,
    relative_attention_num_buckets=8, relative_attention_max_distance=20, dropout_rate=0.0, pad_token_id=0, eos_token_id=1,
    decoder_start_token_id=0,
)
MODELS = {
    "t5-tiny": T5Config(**SIZE, feed_forward_proj="relu", tie_word_embeddings=True),
    "t5-gated-tiny": T5Config(**SIZE, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PIECES = ["▁the", "▁nurse", "▁hid", "▁coat", "▁", ".", "an", "er", "ing", *(f"▁{x}" for x in LETTERS), *LETTERS]
PIECES = PIECES[:61]


def tokenizer() -> PreTrainedTokenizerFast:
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocab += [(piece, -1.0 - i / 8 - (0 if len(piece) > 2 else 4)) for i, piece in enumerate(PIECES)]
    tok = Tokenizer(models.Unigram(vocab, unk_id=2))
    tok.normalizer = normalizers.NFKC()
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.decoder = decoders.Metaspace()
    tok.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


for name, config in MODELS.items():
    torch.manual_seed(7)
    config._attn_implementation = "eager"
    model = T5ForConditionalGeneration(config).eval()
    if name == "t5-gated-tiny":
        model.lm_head.weight = torch.nn.Parameter(torch.randn(64, 32) * 0.2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
        if name == "t5-tiny":
            model.shared.weight.mul_(0.2)  # else every token is followed by itself
    folder = HERE / name
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)

    ids = torch.randint(3, 64, (2, 40))
    ids[1, 29:] = 0
    mask = (torch.arange(40)[None] < torch.tensor([[40], [29]])).long()
    labels = torch.randint(3, 64, (2, 24))
    labels[0, 17:] = -100
    output = model(ids, attention_mask=mask, labels=labels)
    output.loss.backward()
    wanted = (
        "shared.weight", "lm_head.weight", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        "decoder.block.1.layer.1.EncDecAttention.k.weight", "encoder.block.1.layer.1.DenseReluDense.wo.weight",
        "decoder.final_layer_norm.weight", "decoder.block.1.layer.2.layer_norm.weight",
    )
    gradients = {f"gradient:{key}": p.grad.contiguous() for key, p in model.named_parameters() if key in wanted}

    def generate(**o):
        out = model.generate(ids, attention_mask=mask, max_new_tokens=12, do_sample=False, **o)
        return torch.nn.functional.pad(out[:, 1:], (0, 12 - (out.shape[1] - 1))).to(torch.int32).contiguous()

    text = "the nurse hid a coat ."
    encoded = model.config and tokenizer()(text, return_tensors="pt")
    written = model.generate(encoded.input_ids, max_new_tokens=10, do_sample=False, eos_token_id=1)
    save_file(
        {
            "ids": ids.to(torch.int32), "mask": mask.to(torch.int32), "labels": labels.to(torch.int32),
            "logits": output.logits.detach().contiguous(), "loss": output.loss.detach().reshape(1),
            "states": output.encoder_last_hidden_state.detach().contiguous(),
            "greedy": generate(), "beams": generate(num_beams=3), **gradients,
        },
        folder / "expected.safetensors",
    )
    (folder / "text.json").write_text(
        json.dumps({"text": text, "ids": encoded.input_ids[0].tolist(), "written": tokenizer().decode(written[0], skip_special_tokens=True), "tokens": written[0, 1:].tolist()}) + "\n"
    )
    print(name, float(output.loss), generate().tolist(), generate(num_beams=3).tolist())
