// Sentence vectors of an encoder, and the time they take; check_vectors.py compares them with sentence-transformers'.
//
// Run with the built package:  node write-vectors.mjs MODEL ROWS.jsonl OUT.json
//
// ROWS.jsonl has a column `premise` (SNLI); the first 512 different ones are embedded, in batches of 32, on one thread.
import { readFile, writeFile } from 'node:fs/promises';
import { embedTexts, loadEncoder } from '@gimbal/language-models';
import { useBackend } from '@gimbal/tensor-core';

const [folder, data, out] = process.argv.slice(2);
const lines = (await readFile(data, 'utf8')).split('\n').filter((line) => line !== '');
const sentences = [
  'A man is playing a guitar.',
  'Someone plays an instrument.',
  'The stock market fell sharply today.',
  'Shares lost much of their value.',
];
const texts = [...sentences, ...new Set(lines.map((line) => JSON.parse(line).premise))].slice(0, 512);
await useBackend('auto', { threads: 1 });
const { model, params, tokenizer, pooling } = await loadEncoder(folder);
const embed = (some) => embedTexts(model, params, tokenizer, some, { ...pooling, batchSize: 32 });
await embed(texts.slice(0, 32)); // the first batch compiles
const [clock, used] = [performance.now(), process.cpuUsage()];
const vectors = await embed(texts);
const seconds = (performance.now() - clock) / 1000;
const { user, system } = process.cpuUsage(used);
console.log(
  `${texts.length} texts: ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of processor time`,
);
const rows = vectors.map((vector) => [...vector]);
await writeFile(out, JSON.stringify({ texts, vectors: rows }));
