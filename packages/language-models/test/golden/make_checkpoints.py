"""Makes llama-tiny/ and gpt2-tiny/: checkpoints as transformers saves them, with what it computes from them.

Run with torch 2.13.0, transformers 5.24.0, safetensors 0.8.0:  python make_checkpoints.py

Every parameter is perturbed, so that a missing bias or scale shows; heads are fewer than query heads and their width is
not width / heads; rotary positions are stretched; the stored output matrix of Llama is its own.
"""
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parent
MODELS = {
    "llama-tiny": (
        LlamaForCausalLM,
        LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=12, max_position_embeddings=40, rms_norm_eps=1e-5, tie_word_embeddings=False,
            rope_parameters={
                "rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 16,
            },
            bos_token_id=1, eos_token_id=[2, 3], pad_token_id=0,
        ),
    ),
    "gpt2-tiny": (
        GPT2LMHeadModel,
        GPT2Config(
            vocab_size=64, n_embd=32, n_inner=80, n_layer=2, n_head=4, n_positions=40, bos_token_id=1, eos_token_id=1,
            pad_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        ),
    ),
}

for name, (cls, config) in MODELS.items():
    torch.manual_seed(7)
    config._attn_implementation = "eager"
    model = cls(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    folder = HERE / name
    model.save_pretrained(folder)

    ids = torch.randint(4, 64, (2, 24))
    labels = ids.clone()
    labels[1, :10] = -100
    output = model(ids, labels=labels)
    output.loss.backward()
    gradients = {
        f"gradient:{key}": p.grad.contiguous()
        for key, p in model.named_parameters()
        if key in (
            "model.layers.0.self_attn.k_proj.weight", "model.layers.1.mlp.gate_proj.weight", "model.embed_tokens.weight",
            "model.layers.1.input_layernorm.weight", "lm_head.weight", "transformer.h.0.attn.c_attn.weight",
            "transformer.h.1.mlp.c_fc.bias", "transformer.wte.weight", "transformer.wpe.weight", "transformer.h.1.ln_1.weight",
        )
    }
    # prompts of unequal length, padded on the left as transformers wants it; 12 greedy tokens each
    prompts = [ids[0, :9].tolist(), ids[1, :4].tolist()]
    padded = torch.tensor([prompts[0], [0] * 5 + prompts[1]])
    mask = torch.tensor([[1] * 9, [0] * 5 + [1] * 4])
    greedy = model.generate(
        padded, attention_mask=mask, max_new_tokens=12, min_new_tokens=12, do_sample=False, pad_token_id=0,
        eos_token_id=None,
    )[:, 9:]
    save_file(
        {
            "ids": ids.to(torch.int32), "labels": labels.to(torch.int32), "logits": output.logits.detach().contiguous(),
            "loss": output.loss.detach().reshape(1), "greedy": greedy.to(torch.int32).contiguous(), **gradients,
        },
        folder / "expected.safetensors",
    )
    print(name, float(output.loss), json.dumps(greedy.tolist()))
