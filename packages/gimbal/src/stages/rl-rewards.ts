// Reinforcement learning of the fine-tuned model against one reward model, against the average of several, and against
// entailment; the world, which is never optimised, watches each run and says what its reward is truly worth.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedReward } from '@gimbal/fma-pg';
import { ConfigError, type Params } from '@gimbal/tensor-core';
import { z } from 'zod';
import { figure, percent } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import { rewardFiles } from '../rl/reward.ts';
import { parseReward } from '../rl/reward-spec.ts';
import { fittingPrompts, roomBeside, trainPolicy } from '../rl/train-policy.ts';
import { watchRun } from '../rl/watch.ts';
import { orNamedRun } from '../run/named-run.ts';
import { stage as data } from './data.ts';
import { stage as fineTune } from './fine-tune.ts';
import { type CurvePoint, hackingSections, type RewardRun, type RlRewardsResult } from './internal/hacking-charts.ts';
import { modelFolder } from './internal/model-folder.ts';
import { ownSections } from './internal/own-charts.ts';
import { storedOwnPairs } from './internal/own-pairs.ts';
import type { OwnRlResult } from './internal/own-rl.ts';
import { openJudge, openMember } from './internal/reward-tools.ts';
import { saveLike } from './internal/save-like.ts';
import { storedRows } from './internal/stored-rows.ts';
import { type SummaryScores, summaryScores } from './internal/summary-scores.ts';
import { stage as judge } from './judge.ts';
import { stage as plan } from './plan.ts';
import { stage as rewardModels } from './reward-models.ts';

const options = z.object({
  steps: z
    .int()
    .min(1)
    .optional()
    .describe(
      'updates against each reward: one model, the average, entailment (default: what --minutes allow, up to 100)',
    ),
  batchSize: z.int().min(2).default(64).describe('summaries of such an update'),
  learningRate: z.number().positive().default(1e-3).describe('learning rate of it'),
  klCoef: z.number().min(0).default(0.02).describe('weight of the KL to the fine-tuned model in it'),
  patience: z
    .int()
    .min(1)
    .default(40)
    .describe('updates that the truth, or the control, may stand below its best, until a run is stopped'),
  entailment: z
    .string()
    .min(1)
    .optional()
    .describe('with --preferences: folder of a judge (gimbal reward --kind entailment) to learn from too'),
});

const where = 'stage rl-rewards';
const mostPrompts = 4000;
const measured = 256;

export const stage = defineStage({
  name: 'rl-rewards',
  summary: 'Learn from one reward model, from the average, and from entailment.',
  version: 3,
  needs: ['data', 'plan', 'fine-tune', 'judge', 'reward-models'],
  prefix: 'learn',
  options,
  uses: ['seed', 'backend', 'threads'],
  files: (o) => (o.entailment === undefined ? [] : rewardFiles([parseReward(`entailment:${o.entailment}`, where)])),
  check(o, all) {
    if (o.entailment === undefined) return;
    const place = 'gimbal align --learn-entailment';
    if (all.preferences === undefined) {
      const what = 'the newsroom has a judge of its own';
      throw new ConfigError({ where: place, what, fix: 'Give --preferences, or leave it out' });
    }
    if (existsSync(join(orNamedRun(o.entailment), 'config.json'))) return;
    const wanted = 'a folder of gimbal reward --kind entailment';
    throw new ConfigError({ where: place, what: 'this is no model’s folder', got: o.entailment, wanted });
  },
  async run(context): Promise<RlRewardsResult | OwnRlResult | undefined> {
    const { options: o, environment, input, signal, note, progress, dir, logDir } = context;
    const [judged, rewards] = [input(judge), input(rewardModels)];
    if (rewards.value?.own) {
      const { learnFromOwn } = await import('./internal/own-rl.ts');
      const tuned = input(fineTune);
      const pairs = await storedOwnPairs(input(data).dir);
      const steps = o.steps ?? (input(plan).value.later.learnSteps as number);
      const settings = { ...o, steps, seed: environment.seed };
      const folder = modelFolder(tuned, tuned.value.model);
      return await learnFromOwn(pairs, folder, { dir: rewards.dir, value: rewards.value }, settings, context);
    }
    if (!judged.value || !rewards.value) return undefined;
    const { value: rows, dir: rowsDir } = input(data);
    const before = input(fineTune);
    const steps = o.steps ?? (input(plan).value.later.learnSteps as number);
    const { loadPretrained } = await import('@gimbal/language-models');
    const { entailmentReward } = await import('@gimbal/reward-models');
    const { disposeTree, readMetrics, rng } = await import('@gimbal/tensor-core');
    const { newsroom } = await import('@gimbal/worlds');
    const { summaryReward } = await import('../warm/summary-rewards.ts');
    const { rewardStats } = await import('@gimbal/reward-models');
    const pretrained = await loadPretrained(modelFolder(before, before.value.model));
    const { model, params, tokenizer } = pretrained;
    if (!tokenizer) throw new Error('the fine-tuned model has no tokenizer'); // the stages before have written one
    const desk = newsroom(rows.world);
    const { judge: entails, features } = await openJudge({ dir: judged.dir, value: judged.value });
    const [train, heldOut] = await Promise.all(
      ['train', 'held-out'].map((name) => storedRows(rowsDir, name, 'prompt-completion')),
    );
    const longest = (train?.rows ?? [])
      .slice(0, 2000)
      .reduce((n, r) => Math.max(n, tokenizer.encodeText(r.completion).length), 0);
    const beside = roomBeside((train?.rows ?? []).slice(0, 2000), tokenizer, model.config.contextLength);
    const maxNewTokens = Math.min(longest + 1, beside);
    const room = { tokenizer, contextLength: model.config.contextLength, maxNewTokens };
    const prompts = fittingPrompts((train?.rows ?? []).slice(0, mostPrompts), room, () => {});
    const tests = fittingPrompts((heldOut?.rows ?? []).slice(0, measured), room, () => {});
    const stream = rng(environment.seed).split('rl-rewards');
    const scored = (tree: Params): Promise<SummaryScores> =>
      summaryScores({ ...pretrained, params: tree }, tests, desk, {
        maxNewTokens,
        rng: stream.split('scores'),
        signal,
      });
    // never optimised: what the summaries are truly worth
    const truths: NamedReward[] = [
      {
        name: 'quality',
        weight: 0,
        fn: (articles, texts) => articles.map((a, i) => desk.quality(desk.parse(a), texts[i] as string)),
      },
      {
        name: 'entailed',
        weight: 0,
        fn: (articles, texts) =>
          articles.map((a, i) => Number(desk.entails(desk.parse(a), texts[i] as string).label === 'entailment')),
      },
    ];
    const opened: Params[] = [];
    const standardised = async (name: string): Promise<NamedReward['fn']> => {
      const tree = await openMember(rewards.dir, name);
      opened.push(tree);
      const fn = summaryReward(features, tree);
      const stats = await rewardStats(fn, tests);
      return async (articles, texts) => (await fn(articles, texts)).map((r) => (r - stats.mean) / stats.std);
    };
    const kinds: { key: string; name: string; fn: NamedReward['fn'] }[] = [
      { key: 'one', name: 'one reward model', fn: await standardised(`member-${rewards.value.best}`) },
      { key: 'average', name: 'their average', fn: await standardised('average') },
      { key: 'entailment', name: 'entailment', fn: entailmentReward(entails) },
    ];
    try {
      const was = await scored(params);
      const runs: RewardRun[] = [];
      for (const [i, { key, name, fn }] of kinds.entries()) {
        const out = join(logDir, key);
        const watch = await watchRun(
          out,
          { monitor: ['world:newsroom'], patience: o.patience, world: rows.world },
          where,
        );
        using trainer = await trainPolicy({
          policy: model,
          params,
          tokenizer,
          prompts,
          rewards: [{ name: 'proxy', weight: 1, fn }, ...truths],
          settings: {
            preset: 'rloo',
            steps,
            batchSize: o.batchSize,
            learningRate: o.learningRate,
            klCoef: o.klCoef,
            temperature: 1,
            maxNewTokens,
          },
          seed: environment.seed,
          out,
          signal,
          watch,
          progress: ({ step, text }) =>
            progress({ step: i * steps + step, total: kinds.length * steps, text: `${name}: ${text}` }),
          note,
          where,
        });
        const best = await watch.bestParams(note);
        const kept = best?.params ?? trainer.params;
        await saveLike(join(dir, key), model, kept, pretrained);
        const curve = (await readMetrics(out)).map((row) => pointOf(row));
        runs.push({
          name,
          model: key,
          step: best?.step ?? trainer.step,
          steps,
          curve,
          scores: await scored(kept),
        });
        if (best) disposeTree(best.params);
      }
      return { before: was, runs };
    } finally {
      for (const tree of [params, ...opened]) disposeTree(tree);
    }
  },
  describe(r) {
    if (!r) return 'left out';
    if ('own' in r) {
      const learned = r.runs.map(({ name, scores }) => `${name} ${figure(scores.control.value)}`);
      return `control ${figure(r.before.control.value)} → ${learned.join(', ')}`;
    }
    const texts = r.runs.map(({ name, scores }) => `${name} ${percent(scores.entailed.value)}`);
    return `entailed ${percent(r.before.entailed.value)} → ${texts.join(', ')}; quality ${figure(r.before.quality.value)} → ${r.runs.map(({ scores }) => figure(scores.quality.value)).join(', ')}`;
  },
  report: (r) => (!r ? [] : 'own' in r ? ownSections(r) : hackingSections(r)),
});

function pointOf(row: { step: number; [name: string]: unknown }): CurvePoint {
  const of = (name: string): number => (typeof row[name] === 'number' ? (row[name] as number) : Number.NaN);
  return {
    step: row.step,
    kl: of('kl'),
    proxy: of('reward_proxy'),
    quality: of('reward_quality'),
    entailed: of('reward_entailed'),
    length: of('length'),
  };
}
