// A judge picks among one-sentence summaries, as told in docs/results/rewards.md: of the completions of each prompt of
// premises.jsonl (snli-rows.mjs), written by gimbal generate --samples, the one that its premise entails most surely.
//
// Run with the built package:  node snli-picks.mjs runs/judge/model summaries.jsonl
import { readFile } from 'node:fs/promises';
import { loadClassifier } from '@gimbal/language-models';
import { classifierJudge, entailmentReward, nliLabels, rerank } from '@gimbal/reward-models';
import { useBackend } from '@gimbal/tensor-core';

const [folder, file] = process.argv.slice(2);
await useBackend('auto');
const { model, params, tokenizer } = await loadClassifier(folder);
const samples = new Map();
for (const line of (await readFile(file, 'utf8')).trim().split('\n')) {
  const { prompt, completion } = JSON.parse(line);
  const premise = prompt.replace(/^[^:]*: /, ''); // the judge reads no instruction
  samples.set(premise, [...(samples.get(premise) ?? []), completion]);
}
const judge = classifierJudge(model, params, tokenizer, { labels: nliLabels(model), emptyPolicy: 'reject' });
const [premises, summaries] = [[...samples.keys()], [...samples.values()]];
const picks = await rerank(entailmentReward(judge), premises, summaries);

/** Share of texts that the judge takes for entailed. */
const entailed = (rewards) => rewards.filter((reward) => reward > Math.log(0.5)).length / rewards.length;
console.log(`entailed: first samples ${entailed(picks.map(({ rewards }) => rewards[0]))}`);
console.log(`picks ${entailed(picks.map(({ reward }) => reward))}`);
for (const [i, { index }] of picks.entries())
  console.log(`\n${premises[i]}\n  first ${summaries[i][0]}\n  pick  ${summaries[i][index]}`);
