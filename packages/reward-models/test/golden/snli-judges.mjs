// The table of docs/results/rewards.md, "Four judges averaged": members of a run of gimbal warm, their average and their
// ensembles on test rows, and on rows of training whose labels were and were not made wrong (--swap 0.25, --held-out 128,
// --seed 0, as there); then weights and answers between the first two members.
//
// Run with the built package:  node snli-judges.mjs runs/warm members.jsonl snli-test-2000.jsonl
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { classify, labelledRows, loadClassifier, readRows, splitDataset } from '@gimbal/language-models';
import { shareOf, swapClasses } from '@gimbal/reward-models';
import { disposeTree, interpolateTrees, rng, useBackend } from '@gimbal/tensor-core';

const [run, membersFile, testFile] = process.argv.slice(2);
await useBackend('auto');
const home = join(run, 'warm');
const { members } = JSON.parse(await readFile(join(home, 'model', 'warm.json'), 'utf8'));
const byRun = members.toSorted((a, b) => a.lineage.run - b.lineage.run);
const folders = byRun.map(({ folder }) => resolve(home, 'model', folder));

const read = (file) => readRows(file, { kind: 'labelled-pair' });
const labels = ['entailment', 'neutral', 'contradiction'];
const { train } = splitDataset(await read(membersFile), 128, rng(0).split('selection'));
const turned = swapClasses(train.rows, labels, 0.25, rng(0).split('swap'));
const some = (wrong) => ({ ...train, rows: turned.rows.filter((_, i) => turned.swapped[i] === wrong).slice(0, 256) });
const sets = { test: await read(testFile), 'wrong labels': some(1), 'right labels': some(0) };

const likeliest = (z) => z.indexOf(Math.max(...z));
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return mean([sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]]);
};
const told = ({ value, ci95 }) => [value, ...ci95].map((x) => (100 * x).toFixed(1)).join(' ');

const first = await loadClassifier(folders[0]);
for (const [name, data] of Object.entries(sets)) {
  const { rows } = labelledRows(data, first.tokenizer, { labels, limit: 32 });
  const logits = async (params) => (await classify(first.model, params, rows)).map((found) => Array.from(found.logits));
  const right = (all) => shareOf(all.filter((z, i) => likeliest(z) === rows[i].target).length, rows.length);
  const answers = [];
  for (const folder of folders) {
    const { params } = await loadClassifier(folder);
    answers.push(await logits(params));
    disposeTree(params);
    console.log(`${name}, member ${answers.length}: ${told(right(answers.at(-1)))}`);
  }
  const joined = (how, of = answers) => rows.map((_, i) => labels.map((_, k) => how(of.map((z) => z[i][k]))));
  console.log(`${name}, mean member: ${(100 * mean(answers.map((z) => right(z).value))).toFixed(1)}`);
  const average = await loadClassifier(join(home, 'model'));
  console.log(`${name}, average of weights: ${told(right(await logits(average.params)))}`);
  disposeTree(average.params);
  console.log(`${name}, ensemble, mean of logits: ${told(right(joined(mean)))}`);
  console.log(`${name}, ensemble, median: ${told(right(joined(median)))}`);
  if (name !== 'test') continue;
  const second = await loadClassifier(folders[1]);
  for (const lambda of [0.25, 0.5, 0.75]) {
    const between = interpolateTrees(first.params, second.params, lambda);
    const both = joined(([a, b]) => (1 - lambda) * a + lambda * b, answers.slice(0, 2));
    console.log(`λ = ${lambda}: weights ${told(right(await logits(between)))}, answers ${told(right(both))}`);
    disposeTree(between);
  }
  disposeTree(second.params);
}
disposeTree(first.params);
