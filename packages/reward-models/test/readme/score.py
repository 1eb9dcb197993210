import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = "runs/reward-1/model"
model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
texts = ["the nurse\n", " hid the coat", tokenizer.eos_token]  # prompt and line feed, answer, end
ids = [i for text in texts for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
print(model(torch.tensor([ids])).logits.item())
