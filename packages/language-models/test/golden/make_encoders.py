"""Makes bert-tiny/, roberta-tiny/, deberta-tiny/ and reward models: classifiers as transformers saves them, with their
logits, loss, gradients and last hidden states.

Run with torch 2.13.0, transformers 5.24.0, safetensors 0.8.0:  python make_encoders.py [NAME…]

Every parameter is perturbed. One row is padded on the right. DeBERTa's rows are longer than its near distances (S 8).
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig, BertForSequenceClassification, DebertaV2Config, DebertaV2ForSequenceClassification, GPT2Config,
    GPT2ForSequenceClassification, LlamaConfig, LlamaForSequenceClassification, RobertaConfig,
    RobertaForSequenceClassification,
)

HERE = Path(__file__).parent
LABELS = {"id2label": {0: "contradiction", 1: "neutral", 2: "entailment"}, "label2id": {"contradiction": 0, "neutral": 1, "entailment": 2}}
SIZE = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=44, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **LABELS,
)
MODELS = {
    "bert-tiny": (BertForSequenceClassification, BertConfig(**SIZE, pad_token_id=0)),
    "roberta-tiny": (RobertaForSequenceClassification, RobertaConfig(**SIZE, pad_token_id=1, type_vocab_size=1)),
    "deberta-tiny": (
        DebertaV2ForSequenceClassification,
        DebertaV2Config(
            **SIZE, pad_token_id=0, type_vocab_size=0, relative_attention=True, position_buckets=8, share_att_key=True,
            pos_att_type="p2c|c2p", norm_rel_ebd="layer_norm", position_biased_input=False, layer_norm_eps=1e-7,
        ),
    ),
    "llama-reward-tiny": (
        LlamaForSequenceClassification,
        LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
            num_key_value_heads=2, head_dim=12, max_position_embeddings=44, pad_token_id=0, num_labels=1,
        ),
    ),
    "gpt2-reward-tiny": (
        GPT2ForSequenceClassification,
        GPT2Config(
            vocab_size=64, n_embd=32, n_layer=1, n_head=4, n_positions=44, pad_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0, num_labels=1, bos_token_id=1, eos_token_id=1,
        ),
    ),
}

for name in sys.argv[1:] or list(MODELS):
    cls, config = MODELS[name]
    torch.manual_seed(7)
    config._attn_implementation = "eager"
    model = cls(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    folder = HERE / name
    model.save_pretrained(folder)

    ids = torch.randint(4, 64, (2, 40))
    mask = torch.ones_like(ids)
    ids[1, 23:] = config.pad_token_id
    mask[1, 23:] = 0
    types = torch.zeros_like(ids)
    extra = {}
    if name == "bert-tiny":
        types[:, 11:] = 1
        extra["token_type_ids"] = types
    labels = torch.tensor([2, 0]) if "reward" not in name else torch.tensor([0.5, -1.0])
    output = model(ids, attention_mask=mask, labels=labels, output_hidden_states=True, **extra)
    output.loss.backward()
    named = dict(model.named_parameters())
    wanted = [k for k in named if k.endswith(("word_embeddings.weight", "wte.weight", "embed_tokens.weight"))]
    wanted += [k for k in named if "rel_embeddings" in k or k.endswith(("query_proj.weight", "layer.1.attention.self.query.weight"))]
    wanted += [k for k in named if k.startswith(("classifier", "score")) and k.endswith("weight")]
    save_file(
        {
            "ids": ids.to(torch.int32), "lengths": mask.sum(1).to(torch.int32), "types": types.to(torch.int32),
            "labels": labels.to(torch.int32 if labels.dtype == torch.int64 else torch.float32),
            "logits": output.logits.detach().contiguous(), "loss": output.loss.detach().reshape(1),
            "states": output.hidden_states[-1].detach().contiguous(),
            **{f"gradient:{k}": named[k].grad.contiguous() for k in wanted},
        },
        folder / "expected.safetensors",
    )
    print(name, float(output.loss.detach()), output.logits.detach().tolist())
