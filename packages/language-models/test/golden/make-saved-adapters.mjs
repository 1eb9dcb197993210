// Makes saved-adapters/: adapters of the checkpoints here trained a few steps by us, for check_adapters.py to open in PEFT.
//
// Run with the built package:  node make-saved-adapters.mjs && python check_adapters.py
import { fileURLToPath } from 'node:url';
import {
  CausalLmTrainer,
  createLora,
  dataset,
  loadPretrained,
  loadSeq2Seq,
  Seq2SeqTrainer,
  saveAdapter,
} from '@gimbal/language-models';
import { rng, useBackend } from '@gimbal/tensor-core';

await useBackend('cpu');
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const adapters = {
  llama: { base: 'saved/llama', lora: { rank: 4 } },
  gpt2: { base: 'saved/gpt2', lora: { rank: 4, rankStabilized: true, targetModules: ['c_attn', 'c_proj'] } },
  t5: { base: 't5-tiny', lora: { rank: 4 }, seq2seq: true },
  't5-gated-dora': {
    base: 't5-gated-tiny',
    lora: { rank: 4, dora: true, targetModules: ['q', 'v', 'wi_0'] },
    seq2seq: true,
  },
};
for (const [name, { base, lora, seq2seq }] of Object.entries(adapters)) {
  const { model, params, tokenizer } = await (seq2seq ? loadSeq2Seq : loadPretrained)(at(base));
  const adapter = createLora(model.config, params, lora, rng(5));
  const data = dataset([{ prompt: 'the nurse', completion: 'hid the coat' }]);
  const trainer = new (seq2seq ? Seq2SeqTrainer : CausalLmTrainer)({
    model,
    params,
    adapter,
    tokenizer,
    data,
    seed: 1,
    learningRate: 0.05,
  });
  for await (const _ of trainer.train({ steps: 3 }));
  await saveAdapter(at(`saved-adapters/${name}`), model.config, { ...adapter, params: trainer.params }, { base });
}
