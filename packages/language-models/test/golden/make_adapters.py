"""Makes lora-tiny/, rslora-tiny/, dora-tiny/, gpt2-lora-tiny/, t5-lora-tiny/, t5-dora-tiny/, reward-lora-tiny/, bert-lora-tiny/ and
deberta-dora-tiny/: adapters as PEFT saves them for the checkpoints here, with the logits of the adapted models. The last
three are of classifiers, whose heads stand in the file whole.

Run with torch 2.13.0, transformers 5.24.0, peft 0.21.2:  python make_adapters.py [NAME…]

B and the magnitudes are random: a new adapter would change nothing.
"""
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification

HERE = Path(__file__).parent
ADAPTERS = {
    "lora-tiny": ("llama-tiny", dict(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"])),
    "rslora-tiny": (
        "llama-tiny",
        dict(r=4, lora_alpha=8, use_rslora=True, target_modules="all-linear", rank_pattern={"layers.1.self_attn.q_proj": 2},
             alpha_pattern={"up_proj": 32}),
    ),
    "dora-tiny": ("llama-tiny", dict(r=4, lora_alpha=6, use_dora=True, target_modules=["q_proj", "gate_proj"])),
    "gpt2-lora-tiny": ("gpt2-tiny", dict(r=4, lora_alpha=6, fan_in_fan_out=True, target_modules=["c_attn", "c_fc"])),
    "t5-lora-tiny": ("t5-tiny", dict(r=4, lora_alpha=6, target_modules="all-linear")),
    "t5-dora-tiny": ("t5-gated-tiny", dict(r=4, lora_alpha=6, use_dora=True, target_modules=["q", "v", "wi_1", "wo"])),
    "reward-lora-tiny": ("llama-reward-tiny", dict(r=4, lora_alpha=6, target_modules=["q_proj", "down_proj"])),
    "bert-lora-tiny": ("bert-tiny", dict(r=4, lora_alpha=6, target_modules="all-linear")),
    "deberta-dora-tiny": ("deberta-tiny", dict(r=4, lora_alpha=6, use_dora=True, target_modules=["query_proj", "intermediate.dense"])),
}
KINDS = {
    "t5": (AutoModelForSeq2SeqLM, "SEQ_2_SEQ_LM"),
    "llama-reward": (AutoModelForSequenceClassification, "SEQ_CLS"),
    "bert": (AutoModelForSequenceClassification, "SEQ_CLS"),
    "deberta": (AutoModelForSequenceClassification, "SEQ_CLS"),
}
for name in sys.argv[1:] or ADAPTERS:
    base, options = ADAPTERS[name]
    torch.manual_seed(7)
    kind, task = next((k for prefix, k in KINDS.items() if base.startswith(prefix)), (AutoModelForCausalLM, "CAUSAL_LM"))
    model = kind.from_pretrained(HERE / base, attn_implementation="eager")
    model = get_peft_model(model, LoraConfig(task_type=task, **options)).eval()
    model.peft_config["default"].base_model_name_or_path = base
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_B" in key:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
            elif "magnitude" in key:
                parameter.mul_(1 + 0.3 * torch.rand_like(parameter))
            elif "modules_to_save" in key:
                parameter.add_(torch.randn_like(parameter) * 0.3)
    folder = HERE / name
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    golden = load_file(HERE / base / "expected.safetensors")
    inputs = dict(input_ids=golden["ids"].long())
    inputs["labels"] = golden["labels"].long() if "labels" in golden else inputs["input_ids"]
    if "mask" in golden:
        inputs["attention_mask"] = golden["mask"].long()
    if task == "SEQ_CLS":
        inputs["attention_mask"] = (torch.arange(golden["ids"].shape[1])[None] < golden["lengths"][:, None]).long()
        if base == "bert-tiny":
            inputs["token_type_ids"] = golden["types"].long()
        if golden["labels"].is_floating_point():
            inputs["labels"] = golden["labels"]
    output = model(**inputs)
    output.loss.backward()
    grads = {
        "gradient:" + k.removeprefix("base_model.model.").replace(".default", ""): p.grad.contiguous()
        for k, p in model.named_parameters()
        if p.grad is not None and (".0." in k) and task != "SEQ_CLS"
    }
    logits = output.logits.detach()
    with torch.no_grad():
        merged = model.merge_and_unload()(**inputs).logits
    print(name, float((merged - logits).abs().max()))
    save_file({"logits": logits.contiguous(), "loss": output.loss.detach().reshape(1), **grads}, folder / "expected.safetensors")
