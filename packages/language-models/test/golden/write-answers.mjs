// Ten questions put to a chat model, as `gimbal generate --temperature 0` puts them: ids of the prompt, ours of the answer, and
// the logits of its first token. check_answers.py compares them with transformers'.
//
// Run with the built package:  node write-answers.mjs MODEL.gguf OUT.json
import { writeFile } from 'node:fs/promises';
import { generate, loadPretrained, padBatch, renderChat } from '@gimbal/language-models';
import { rng, useBackend } from '@gimbal/tensor-core';

const [file, out] = process.argv.slice(2);
const questions = [
  'What is gravity?',
  'Name three colours.',
  'What is the capital of France?',
  'How do I boil an egg?',
  'Write a sentence about the sea.',
  'What is 12 + 30?',
  'Why is the sky blue?',
  'Translate "good morning" into Spanish.',
  'Give me a tip for sleeping well.',
  'Who wrote Romeo and Juliet?',
];
await useBackend('auto', { threads: 1 });
const { model, params, tokenizer } = await loadPretrained(file, { weights: 'blocks' });
const texts = questions.map(
  (content) => renderChat(tokenizer, [{ role: 'user', content }], { addGenerationPrompt: true }).text,
);
const o = { temperature: 0, maxNewTokens: 32, rendered: true, rng: rng(0) };
const answers = await generate(model, params, tokenizer, texts, o);
const rows = texts.map((text, i) => {
  const ids = tokenizer.encodeText(text);
  const first = model.logits(params, padBatch([ids], 0), padBatch([Int32Array.of(0)], 0)); // [1,1,V]
  const logits = [...first.dataSync()];
  first.dispose();
  return { question: questions[i], text, ids: [...ids], logits, answer: [...answers[i].ids], written: answers[i].text };
});
await writeFile(out, JSON.stringify(rows));
