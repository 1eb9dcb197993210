// A judge of entailment, learned from labelled summaries: what the policy is rewarded with, and what the reward models' match
// features come from.
import { join } from 'node:path';
import { z } from 'zod';
import { percent } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import { stage as data } from './data.ts';
import { stage as preferences } from './preferences.ts';

export interface JudgeResult {
  labels: number;
  /** on 1000 other summaries */
  accuracy: number;
  words: string[];
}

const options = z.object({
  labels: z
    .int()
    .min(64)
    .default(4000)
    .describe('summaries that the judge of entailment learns from: with fewer it is a worse judge'),
  steps: z.int().min(1).default(500).describe('updates of the judge'),
});

const tests = 1000;

export const stage = defineStage({
  name: 'judge',
  summary: 'Learn to judge entailment.',
  version: 1,
  needs: ['data', 'preferences'],
  prefix: 'judge',
  options,
  uses: ['seed', 'backend', 'threads'],
  async run({ options: o, environment, input, dir, logDir, progress, signal }): Promise<JudgeResult | undefined> {
    const { value: rows } = input(data);
    if (!input(preferences).value) return undefined;
    const { dataset } = await import('@gimbal/language-models');
    const { SlotJudgeTrainer } = await import('@gimbal/reward-models');
    const { rng, StoppedError, writeSafetensors } = await import('@gimbal/tensor-core');
    const { newsroom } = await import('@gimbal/worlds');
    const stream = rng(environment.seed).split('judge');
    const desk = newsroom(rows.world);
    // more errors than the references have: a judge learns from what is wrong
    const writers = [
      newsroom({ ...rows.world, stereotypeRate: 0, errorRate: 0 }),
      newsroom({ ...rows.world, stereotypeRate: 0.3, errorRate: 0.5 }),
    ];
    const labelled = (n: number, name: string) => {
      const draws = stream.split(name);
      return desk.articles(n, draws).map((article) => {
        const writer = writers[draws.uniform() < 0.42 ? 0 : 1] as typeof desk;
        const hypothesis = writer.reference(article, draws);
        return { premise: article.text, hypothesis, label: desk.entails(article, hypothesis).label };
      });
    };
    const words = [...desk.vocabulary];
    using trainer = new SlotJudgeTrainer({
      words,
      data: dataset(labelled(o.labels, 'train'), { kind: 'labelled-pair' }),
      logEvery: Math.max(1, Math.round(o.steps / 50)),
      out: logDir,
      seed: environment.seed,
    });
    for await (const { step, loss } of trainer.train({ steps: o.steps, signal }))
      progress({ step, total: o.steps, text: `loss ${loss.toFixed(3)}` });
    if (signal.aborted) throw new StoppedError({ where: 'stage judge', what: 'stopped while the judge was trained' });
    const held = labelled(tests, 'test');
    const found = await trainer.judge.logProb(
      held.map((row) => row.premise),
      held.map((row) => row.hypothesis),
    );
    const right = held.filter((row, i) => (row.label === 'entailment') === (found[i] as number) > Math.log(0.5));
    await writeSafetensors(join(dir, 'judge.safetensors'), trainer.params);
    return { labels: o.labels, accuracy: right.length / tests, words };
  },
  describe: (r) => (!r ? 'left out' : `right on ${percent(r.accuracy)} of ${tests} summaries, from ${r.labels} labels`),
});
