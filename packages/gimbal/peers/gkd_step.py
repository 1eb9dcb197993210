"""One step of TRL's GKDTrainer for `gimbal bench gkd`: its own methods on GPT-2s of given weights.

The student samples, the teacher scores, generalised JSD, backward, AdamW. The trainer is made without its data set and
tokenizer, which a step on given tokens does not need.
"""

from types import SimpleNamespace

import torch
import trl
from accelerate import Accelerator
from protocol import serve, threads
from transformers import GenerationConfig, GPT2LMHeadModel
from trl.experimental.gkd import GKDTrainer

torch.set_num_threads(threads())


def gkd_step(teacher: str, student: str, prompts: list, maxNewTokens: int, beta: float):  # noqa: N803
    torch.manual_seed(0)
    model = GPT2LMHeadModel.from_pretrained(student)
    trainer = GKDTrainer.__new__(GKDTrainer)
    trainer.accelerator = Accelerator(cpu=True)
    trainer.teacher_model = GPT2LMHeadModel.from_pretrained(teacher).eval().requires_grad_(False)
    trainer.use_liger_gkd_loss = False
    trainer.beta = beta
    trainer.processing_class = SimpleNamespace(eos_token_id=-1, pad_token_id=0)
    generation = GenerationConfig(
        max_new_tokens=maxNewTokens, min_new_tokens=maxNewTokens, do_sample=True, temperature=1.0, top_k=0, pad_token_id=0
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.tensor(prompts)
    width = ids.shape[1]

    def step() -> None:
        model.train()
        with torch.no_grad():
            whole = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=generation)
        labels = whole.clone()
        labels[:, :width] = -100
        inputs = {"input_ids": whole, "attention_mask": torch.ones_like(whole), "labels": labels, "prompts": ids}
        loss = trainer.compute_loss(model, inputs)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def run(calls: int) -> None:
        for _ in range(calls):
            step()

    return run


serve({"gkd-step": gkd_step}, versions={"torch": torch.__version__, "trl": trl.__version__})
