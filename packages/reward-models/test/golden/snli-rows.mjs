// The files of docs/results/rewards.md, "Real text and models", from those of SNLI 1.0 (Bowman et al. 2015, CC BY-SA 4.0,
// nlp.stanford.edu/projects/snli): snli_dev.jsonl and snli_test.jsonl, pairs with a gold label as tokens with a space between;
// of the development pairs start.jsonl, 4,000 with a quarter of the labels wrong, and members.jsonl, the 2,128 after them; of
// the test pairs the first 2,000, and premises.jsonl, the first 16 premises of 14 words and more.
//
// Run with the built package:  node snli-rows.mjs snli_1.0_dev.jsonl snli_1.0_test.jsonl
// Files of { premise, hypothesis, label }, however they were come by, are taken as they are.
import { readFile, writeFile } from 'node:fs/promises';
import { swapClasses } from '@gimbal/reward-models';
import { rng } from '@gimbal/tensor-core';

const [devFile, testFile] = process.argv.slice(2);
if (testFile === undefined) throw new Error('usage: node snli-rows.mjs snli_1.0_dev.jsonl snli_1.0_test.jsonl');

/** Leaves of a tree in brackets, as `( ( Two women ) ( are embracing ) )`; brackets of the text have names there. */
const leaves = (tree) =>
  tree
    .split(' ')
    .filter((token) => token !== '(' && token !== ')')
    .map((token) => ({ '-LRB-': '(', '-RRB-': ')' })[token] ?? token)
    .join(' ');

/** Pairs of a file; annotators who did not agree left the label `-`. */
async function pairsOf(file) {
  const rows = (await readFile(file, 'utf8')).trim().split('\n').map(JSON.parse);
  return rows
    .map((row) => ({
      premise: row.premise ?? leaves(row.sentence1_binary_parse),
      hypothesis: row.hypothesis ?? leaves(row.sentence2_binary_parse),
      label: row.label ?? row.gold_label,
    }))
    .filter(({ label }) => label !== '-');
}

const write = (file, rows) => writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const [dev, test] = [await pairsOf(devFile), await pairsOf(testFile)];
const classes = ['entailment', 'neutral', 'contradiction'];
const start = swapClasses(dev.slice(0, 4000), classes, 0.25, rng(0).split('swap'));
const long = [...new Set(test.map(({ premise }) => premise))].filter((text) => text.split(' ').length >= 14);
await write('snli_dev.jsonl', dev);
await write('snli_test.jsonl', test);
await write('start.jsonl', start.rows);
await write('members.jsonl', dev.slice(4000, 6128));
await write('snli-test-2000.jsonl', test.slice(0, 2000));
await write(
  'premises.jsonl',
  long.slice(0, 16).map((premise) => ({ prompt: `Summarise in one sentence: ${premise}` })),
);
console.log(`${dev.length} pairs to learn from, ${test.length} to be scored on`);
