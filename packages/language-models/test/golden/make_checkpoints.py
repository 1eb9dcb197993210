"""Makes the decoders llama-tiny/, gpt2-tiny/, …: checkpoints as transformers saves them, with what it computes from them.

Run with torch 2.13.0, transformers 5.24.0, safetensors 0.8.0:  python make_checkpoints.py [NAME…]

Every parameter is perturbed, so that a missing bias or scale shows; heads are fewer than query heads and their width is
not width / heads; rotary positions are stretched; the stored output matrix of Llama is its own.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig, GemmaConfig, GemmaForCausalLM, GPT2Config,
    GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM,
    Qwen3Config, Qwen3ForCausalLM,
)

HERE = Path(__file__).parent
# windows (5) and original contexts (16) are shorter than the rows (24); heads × head_dim is not the width
SIZE = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    head_dim=12, max_position_embeddings=40, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)
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
    "llama-yarn-tiny": (
        LlamaForCausalLM,
        LlamaConfig(
            **SIZE, tie_word_embeddings=True, attention_bias=True,
            rope_parameters={
                "rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "beta_fast": 4.0, "beta_slow": 1.0,
                "original_max_position_embeddings": 16,
            },
        ),
    ),
    "mistral-tiny": (MistralForCausalLM, MistralConfig(**SIZE, sliding_window=5)),
    "qwen2-tiny": (
        Qwen2ForCausalLM,
        Qwen2Config(
            **{**SIZE, "hidden_size": 48, "num_hidden_layers": 3}, use_sliding_window=True, sliding_window=5,
            max_window_layers=1, tie_word_embeddings=True,
        ),
    ),
    "qwen3-tiny": (Qwen3ForCausalLM, Qwen3Config(**SIZE, sliding_window=5, tie_word_embeddings=True)),
    "gemma-tiny": (GemmaForCausalLM, GemmaConfig(**SIZE)),
    "gemma2-tiny": (
        Gemma2ForCausalLM,
        Gemma2Config(
            **SIZE, query_pre_attn_scalar=4, attn_logit_softcapping=2.0, final_logit_softcapping=3.0, sliding_window=5,
        ),
    ),
    "gemma3-tiny": (
        Gemma3ForCausalLM,
        Gemma3TextConfig(
            **{**SIZE, "num_hidden_layers": 3}, query_pre_attn_scalar=4, sliding_window=5,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters={
                "full_attention": {"rope_type": "linear", "rope_theta": 500.0, "factor": 4.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
            },
        ),
    ),
}
wanted = sys.argv[1:] or list(MODELS)

for name in wanted:
    cls, config = MODELS[name]
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
            "model.layers.1.self_attn.q_proj.bias", "model.layers.1.self_attn.q_norm.weight",
            "model.layers.1.post_feedforward_layernorm.weight",
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

# the weights of one of them rounded to BF16, in shards; the logits are those of the rounded weights in float32
model = Qwen3ForCausalLM.from_pretrained(HERE / "qwen3-tiny", dtype=torch.bfloat16)
folder = HERE / "qwen3-bf16-tiny"
model.save_pretrained(folder, max_shard_size="12KB")
model = Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
torch.manual_seed(8)
ids = torch.randint(4, 64, (2, 24))
with torch.no_grad():
    save_file({"ids": ids.to(torch.int32), "logits": model(ids).logits.contiguous()}, folder / "expected.safetensors")
