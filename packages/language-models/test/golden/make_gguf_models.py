"""Makes gguf-models/: small models as Python's gguf writes them, with what transformers computes from the same weights.

Names come from gguf's own tables, keys from its writer; rows of q and k are turned as llama.cpp's converter turns them
(its `permute`), and Gemma's norms are stored as 1 + w.

Run with torch 2.13.0, transformers 5.24.0, gguf 0.19.0, safetensors 0.8.0:  python make_gguf_models.py [NAME…]

Every parameter is perturbed, and matrices are rounded to F16 first, as the files hold them; heads are fewer than query
heads, and Gemma 3 has the seven layers that show which of them slide.
"""
import sys
from pathlib import Path

import gguf
import torch
from safetensors.torch import save_file
from transformers import (
    Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, Qwen2Config,
    Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM,
)

HERE = Path(__file__).parent / "gguf-models"
SIZE = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=40, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=16)
GEMMA = dict(head_dim=12, query_pre_attn_scalar=12, sliding_window=5)
MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZE, head_dim=12, tie_word_embeddings=False, rope_parameters=LLAMA3)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SIZE, tie_word_embeddings=True, rope_parameters=YARN)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZE, head_dim=12, tie_word_embeddings=True)),
    "gemma2": (
        Gemma2ForCausalLM,
        Gemma2Config(**SIZE, **GEMMA, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
    ),
    "gemma3": (
        Gemma3ForCausalLM,
        Gemma3TextConfig(
            **{**SIZE, "num_hidden_layers": 7}, **GEMMA,
            rope_parameters={
                "full_attention": dict(rope_type="linear", rope_theta=500.0, factor=4.0),
                "sliding_attention": dict(rope_type="default", rope_theta=10000.0),
            },
        ),
    ),
}


def permute(weights, heads):
    """What llama.cpp's converter does to q and k of its architecture `llama`."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def llama3_factors(config):
    """What llama.cpp's converter writes as rope_freqs: the plain frequencies over the stretched ones."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    stretched, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = config.rope_parameters["rope_theta"] ** -(torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim)
    return (plain / stretched).float().numpy()


def write(name, model, c):
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", name)
    writer.add_block_count(c.num_hidden_layers)
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    rope = c.rope_parameters.get("full_attention", c.rope_parameters)
    if name != "gemma2":
        writer.add_rope_freq_base(rope["rope_theta"])
    if name != "qwen2":
        writer.add_key_length(c.head_dim)
        writer.add_value_length(c.head_dim)
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if name.startswith("gemma"):
        writer.add_sliding_window(c.sliding_window)
    if name == "gemma2":
        writer.add_attn_logit_softcapping(c.attn_logit_softcapping)
        writer.add_final_logit_softcapping(c.final_logit_softcapping)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    tokens = ["<pad>", "<s>", "</s>"] + [chr(ord("A") + i) for i in range(60)] + ["AB"]
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * 61)
    writer.add_token_merges(["A B"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(c))
    arch = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == name)
    names = gguf.get_tensor_name_map(arch, c.num_hidden_layers)
    for path, weight in model.state_dict().items():
        if path == "lm_head.weight" and c.tie_word_embeddings:
            continue
        data = weight.detach().numpy()
        if name == "llama" and "q_proj" in path:
            data = permute(data, c.num_attention_heads)
        if name == "llama" and "k_proj" in path:
            data = permute(data, c.num_key_value_heads)
        if name.startswith("gemma") and path.endswith("norm.weight"):
            data = data + 1
        writer.add_tensor(names.get_name(path, try_suffixes=(".weight", ".bias")), data.astype("float16" if data.ndim == 2 else "float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


HERE.mkdir(exist_ok=True)
torch.set_num_threads(1)
for name in sys.argv[1:] or MODELS:
    build, config = MODELS[name]
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = build(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape) * 0.15)
            if weight.ndim == 2:
                weight.copy_(weight.half().float())
    ids = torch.randint(3, 64, (2, 24))
    with torch.no_grad():
        logits = model(ids).logits
    write(name, model, config)
    save_file({"ids": ids.int(), "logits": logits.contiguous()}, HERE / f"{name}.safetensors")
    print(name, float(logits.abs().max()))
