"""PyTorch eager for `gimbal bench lm-generate`: a loop with a cache of keys and values, greedy.

Case `generate`: sizes of the model, `rows`, `promptTokens`, `newTokens`.
"""

import torch
from lm_model import Cache, Decoder, Sizes, random_ids
from protocol import serve, threads, use_device

torch.set_num_threads(threads())
DEVICE = use_device(torch)


@torch.inference_mode()
def write(model: Decoder, prompts: torch.Tensor, new_tokens: int) -> torch.Tensor:
    """prompts [B,P] -> the tokens after them [B,newTokens]."""
    rows, columns = prompts.shape
    cache = Cache(model.s, rows, columns + new_tokens)
    out = torch.empty(rows, new_tokens, dtype=torch.long)
    ids = prompts
    for t in range(new_tokens):
        ids = model.logits(ids, cache, last=True)[:, -1].argmax(-1, keepdim=True)
        out[:, t : t + 1] = ids
    return out


def generate(rows: int, promptTokens: int, newTokens: int, **sizes):  # noqa: N803
    s = Sizes(**sizes)
    model, prompts = Decoder(s), random_ids(s, rows, promptTokens)

    def run(calls: int) -> None:
        for _ in range(calls):
            write(model, prompts, newTokens)

    return run


serve({"generate": generate}, versions={"torch": torch.__version__})
