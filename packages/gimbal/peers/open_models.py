"""transformers for `gimbal bench open-models`: LlamaForCausalLM trained and generating, and a user's file in GGUF.

Case `train-step`: `shape` (a LlamaConfig), `rows`, `columns`: forward, loss, backward and torch.optim.AdamW.
Case `generate`: `shape`, `rows`, `promptTokens`, `newTokens`: `generate`, greedy, nothing ends early.
Cases `file-prompt` and `file-generate`: the same of `file`, one row; the weights are inflated to float32.
"""

import os

import torch
import transformers
from protocol import serve, threads, use_device
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

torch.set_num_threads(threads())
DEVICE = use_device(torch)
transformers.logging.set_verbosity_error()
torch.manual_seed(0)


def made(shape: dict) -> LlamaForCausalLM:
    return LlamaForCausalLM(LlamaConfig(**shape, attn_implementation="sdpa", eos_token_id=None, bos_token_id=None)).to(DEVICE)


def opened(file: str):
    folder, name = os.path.split(os.path.abspath(file))
    return AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()


def random_ids(vocabulary: int, rows: int, columns: int) -> torch.Tensor:
    return torch.randint(0, vocabulary, (rows, columns), generator=torch.Generator().manual_seed(1), device="cpu").to(DEVICE)


def train_step(shape: dict, rows: int, columns: int):
    model = made(shape).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    ids = random_ids(shape["vocab_size"], rows, columns)

    def run(calls: int) -> None:
        for _ in range(calls):
            optimizer.zero_grad(set_to_none=True)
            model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()

    return run


def writes(model, vocabulary: int, rows: int, promptTokens: int, newTokens: int):  # noqa: N803
    ids = random_ids(vocabulary, rows, promptTokens)
    given = {"do_sample": False, "max_new_tokens": newTokens, "min_new_tokens": newTokens, "pad_token_id": 0}

    @torch.inference_mode()
    def run(calls: int) -> None:
        for _ in range(calls):
            model.generate(ids, attention_mask=torch.ones_like(ids), **given)

    return run


def generate(shape: dict, **tokens):
    return writes(made(shape).eval(), shape["vocab_size"], **tokens)


def file_generate(file: str, promptTokens: int, newTokens: int):  # noqa: N803
    model = opened(file)
    return writes(model, model.config.vocab_size, 1, promptTokens, newTokens)


def file_prompt(file: str, promptTokens: int):  # noqa: N803
    model = opened(file)
    ids = random_ids(model.config.vocab_size, 1, promptTokens)

    @torch.inference_mode()
    def run(calls: int) -> None:
        for _ in range(calls):
            model(ids, logits_to_keep=1)

    return run


serve(
    {"train-step": train_step, "generate": generate, "file-generate": file_generate, "file-prompt": file_prompt},
    versions={"torch": torch.__version__, "transformers": transformers.__version__},
)
