// Pairs of summaries that the fine-tuned model wrote, of which an annotator named the better one, and is wrong in a quarter
// of them: what reward models learn from. And pairs to test them on, like those and unlike them.
import { join } from 'node:path';
import { writeFileDurable } from '@gimbal/tensor-core';
import { z } from 'zod';
import { counted, percent } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import { stage as data } from './data.ts';
import { stage as fineTune } from './fine-tune.ts';
import { modelFolder } from './internal/model-folder.ts';
import { fitsContext, writeCompletions } from './internal/write-completions.ts';
import { stage as plan } from './plan.ts';

/** A pair; `swapped` where the annotator is wrong. */
export interface LabelledPair {
  prompt: string;
  chosen: string;
  rejected: string;
  swapped: boolean;
}

/** Pairs by what they are for: `pairs.json` of the stage's folder. */
export interface PreferenceSets {
  train: LabelledPair[];
  /** to rank members on */
  selection: LabelledPair[];
  /** with true labels */
  test: Readonly<Record<string, LabelledPair[]>>;
}

/** undefined: the rows are not the newsroom's, nobody knows which of two answers is better */
export interface PreferencesResult {
  train: number;
  swapped: number;
  tests: { [name: string]: number };
}

const options = z.object({
  pairs: z
    .int()
    .min(0)
    .optional()
    .describe(
      'pairs of summaries that an annotator labels, on the newsroom: reward models learn from them, and the model from those; 0 leaves all of that out (default: what --minutes allow, up to 1000)',
    ),
  swap: z.number().min(0).lt(0.5).default(0.25).describe('share of the pairs whose label is wrong'),
});

/** at most: no more than there are to learn from */
const mostTests = 500;
const hot = 1.6;

export const stage = defineStage({
  name: 'preferences',
  summary: 'Label pairs of summaries.',
  version: 3,
  needs: ['data', 'plan', 'fine-tune'],
  prefix: 'preference',
  options,
  uses: ['seed', 'backend', 'threads'],
  isOn: (o) => o.pairs !== 0,
  async run({ options: o, environment, input, dir, progress, signal }): Promise<PreferencesResult | undefined> {
    const { value: rows } = input(data);
    if (rows.task !== 'newsroom') return undefined;
    const { loadPretrained } = await import('@gimbal/language-models');
    const { disposeTree, rng } = await import('@gimbal/tensor-core');
    const { newsroom, newsroomShifts } = await import('@gimbal/worlds');
    const before = input(fineTune);
    const pretrained = await loadPretrained(modelFolder(before, before.value.model));
    const stream = rng(environment.seed).split('preferences');
    const desk = newsroom(rows.world);
    const pairs = o.pairs ?? (input(plan).value.later.preferencePairs as number);
    const testPairs = Math.min(mostTests, pairs);

    /** Pairs of samples; the annotator is the oracle, with slips. Ties and empty answers are drawn anew. */
    const sampled = async (name: string, n: number, temperature: number, swap: number): Promise<LabelledPair[]> => {
      const draws = stream.split(name);
      const out: LabelledPair[] = [];
      for (let round = 0; out.length < n && round < 20; round++) {
        progress({ step: out.length, total: n, text: `pairs: ${name}` });
        const articles = desk
          .articles(Math.max(256, n), draws.split('articles').split(round))
          .filter(({ text }) => fitsContext(pretrained, text, true));
        const write = (side: string): Promise<string[]> =>
          writeCompletions(
            pretrained,
            articles.map(({ text }) => text),
            {
              batchSize: 128,
              maxNewTokens: 16,
              temperature,
              rng: draws.split(side).split(round),
              promptSuffix: true,
              signal,
            },
          );
        const [first, second] = [await write('first'), await write('second')];
        const slips = draws.split('slips').split(round);
        for (const [i, article] of articles.entries()) {
          if (out.length >= n) break;
          const [a, b] = [first[i]?.trim() ?? '', second[i]?.trim() ?? ''];
          const gap = desk.quality(article, a) - desk.quality(article, b);
          if (gap === 0 || a === '' || b === '') continue;
          const swapped = slips.uniform() < swap;
          const [chosen, rejected] = gap > 0 !== swapped ? [a, b] : [b, a];
          out.push({ prompt: article.text, chosen, rejected, swapped });
        }
      }
      return out;
    };
    const written = (name: string, world: object): LabelledPair[] =>
      newsroom({ ...rows.world, ...world })
        .preferenceRows(testPairs, stream.split(name), { swap: 0 })
        .map(({ prompt, chosen, rejected }) => ({ prompt, chosen, rejected, swapped: false }));
    try {
      const sets: PreferenceSets = {
        train: await sampled('training', pairs, 1, o.swap),
        selection: await sampled('selection', testPairs, 1, o.swap),
        test: {
          'its own samples': await sampled('test', testPairs, 1, 0),
          'hot samples (T = 1.6)': await sampled('hot', testPairs, hot, 0),
          'references in another manner': written('retemplated', newsroomShifts.retemplated),
          'longer articles': written('longer', { facts: desk.settings.facts + 1 }),
        },
      };
      await writeFileDurable(join(dir, 'pairs.json'), `${JSON.stringify(sets)}\n`);
      return {
        train: sets.train.length,
        swapped: sets.train.filter((pair) => pair.swapped).length,
        tests: Object.fromEntries(Object.entries(sets.test).map(([name, some]) => [name, some.length])),
      };
    } finally {
      disposeTree(pretrained.params);
    }
  },
  describe: (r) =>
    !r
      ? 'none: only newsroom articles can be labelled here; give pairs of your own by --preferences'
      : `${counted(r.train, 'pair')}, ${percent(r.swapped / r.train)} labelled wrongly; ${counted(Object.keys(r.tests).length, 'test set')}`,
});
