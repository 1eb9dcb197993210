// Makes saved-seq2seq/: the encoder-decoders of make_seq2seq.py trained a step here, for check_seq2seq.py to open.
//
// Run with the built package:  node make-saved-seq2seq.mjs && python check_seq2seq.py
import { fileURLToPath } from 'node:url';
import { dataset, loadSeq2Seq, Seq2SeqTrainer, saveSeq2Seq } from '@gimbal/language-models';
import { useBackend } from '@gimbal/tensor-core';

await useBackend('cpu');
for (const name of ['t5-tiny', 't5-gated-tiny']) {
  const at = (path) => fileURLToPath(new URL(path, import.meta.url));
  const { model, params, tokenizer } = await loadSeq2Seq(at(name));
  const data = dataset([{ prompt: 'the nurse', completion: 'hid the coat' }]);
  const trainer = new Seq2SeqTrainer({ model, params, tokenizer, data, seed: 1, learningRate: 0.01 });
  for await (const _ of trainer.train({ steps: 1 }));
  await saveSeq2Seq(at(`saved-seq2seq/${name}`), model, trainer.params);
}
