"""One step of TRL's NashMDTrainer for `gimbal bench nash-md`: its own methods on a GPT-2 of given weights.

Sampling from the policy and from the mixture, log-probabilities under policy and reference, the loss, backward, AdamW. The
preference is given: no reward model is asked. The trainer is made without its data set, tokenizer and reward model, which a
step on given tokens does not need.
"""

from types import SimpleNamespace

import torch
import trl
from accelerate import Accelerator
from protocol import serve, threads
from transformers import GenerationConfig, GPT2LMHeadModel
from trl.experimental.nash_md import NashMDTrainer

torch.set_num_threads(threads())


def nash_md_step(folder: str, prompts: list, maxNewTokens: int, mixtureCoef: float, klCoef: float, preference: float):  # noqa: N803
    torch.manual_seed(0)
    model = GPT2LMHeadModel.from_pretrained(folder)
    reference = GPT2LMHeadModel.from_pretrained(folder).eval().requires_grad_(False)
    trainer = NashMDTrainer.__new__(NashMDTrainer)
    trainer.accelerator = Accelerator(cpu=True)
    trainer.ref_model = reference
    trainer.generation_kwargs = {}
    trainer.generation_config = GenerationConfig(
        max_new_tokens=maxNewTokens, min_new_tokens=maxNewTokens, do_sample=True, temperature=1.0, top_k=0, pad_token_id=0
    )
    trainer.processing_class = SimpleNamespace(eos_token_id=-1, pad_token_id=0)
    trainer._mixture_coef = mixtureCoef
    trainer._beta = klCoef
    trainer.args = SimpleNamespace(beta=klCoef)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.tensor(prompts)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "raw": None}
    probability = torch.full((len(prompts),), preference)

    def step() -> None:
        model.train()
        output, mixture = trainer._generate_completions(model, given)
        data, _ = trainer._process_completions(output, mixture, given)
        own, other = trainer._compute_logprobs(model, data, ids.shape[1])
        loss, _, _ = trainer._compute_losses(own, other, probability)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def run(calls: int) -> None:
        for _ in range(calls):
            step()

    return run


serve({"nash-md-step": nash_md_step}, versions={"torch": torch.__version__, "trl": trl.__version__})
