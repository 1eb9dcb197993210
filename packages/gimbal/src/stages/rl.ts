// Reinforcement learning of what the run has trained so far, where a reward is given.
import { join } from 'node:path';
import { tokenPresets } from '@gimbal/fma-pg';
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { figure } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import { klFigure } from '../rl/findings.ts';
import { rlCharts } from '../rl/report.ts';
import { loadRewards, readsNewsroom, rewardFiles } from '../rl/reward.ts';
import { parseReward } from '../rl/reward-spec.ts';
import { fittingPrompts, type PresetName, scorePrompts, trainPolicy } from '../rl/train-policy.ts';
import { checkMonitor, verdictOf, type Watched, watchRun, watchSection } from '../rl/watch.ts';
import { stage as data } from './data.ts';
import { stage as fineTune } from './fine-tune.ts';
import { type Estimate, rewardWithInterval } from './internal/intervals.ts';
import { modelFolder } from './internal/model-folder.ts';
import { saveLike } from './internal/save-like.ts';
import { storedRows } from './internal/stored-rows.ts';

/** What the stage leaves; undefined where no reward is given. */
export interface RlResult {
  /** model folder, see `modelFolder` */
  model: string;
  steps: number;
  /** of held-out prompts, completions sampled, before and after */
  before: Estimate;
  after: Estimate;
  /** of the last step, nats a completion */
  kl: number;
  rewards: string[];
  /** what a monitor saw */
  watched?: readonly Watched[];
}

const presets = Object.keys(tokenPresets) as [PresetName, ...PresetName[]];

const options = z.object({
  reward: z
    .array(z.string())
    .optional()
    .describe(
      'adds reinforcement learning: exact, world:newsroom, or ./file.mjs; several are summed, as exact=0.5,./style.mjs',
    ),
  rlPreset: z.enum(presets).default('rloo').describe('method of reinforcement learning'),
  rlSteps: z.int().min(1).default(60).describe('updates of reinforcement learning'),
  rlBatchSize: z.int().min(2).default(64).describe('completions of such an update'),
  rlLearningRate: z.number().positive().default(3e-4).describe('learning rate of reinforcement learning'),
  rlKlCoef: z.number().min(0).optional().describe('weight of the KL to the fine-tuned model (default: the preset’s)'),
  monitor: z
    .array(z.string())
    .optional()
    .describe(
      'a second reward, never optimised, written like --reward: reinforcement learning stops where it falls, and keeps the weights of its best step',
    ),
  patience: z.int().min(1).default(5).describe('looks in a row at which the monitor may stand below its best'),
});

const where = 'gimbal align --reward';
const mostMeasured = 128;

export const stage = defineStage({
  name: 'rl',
  summary: 'Learn from a reward.',
  version: 2,
  needs: ['data', 'pretrain', 'fine-tune'],
  prefix: '',
  options,
  uses: ['seed', 'backend', 'threads'],
  isOn: (o) => o.reward !== undefined && o.reward.length > 0,
  files: (o) =>
    rewardFiles([...(o.reward ?? []), ...(o.monitor ?? [])].map((text) => parseReward(text, where, { moving: true }))),
  check(o, all) {
    const specs = (o.reward ?? []).map((text) => parseReward(text, where, { moving: true }));
    if (o.monitor !== undefined) {
      checkMonitor(o.monitor, 'gimbal align --monitor');
      if (specs.length === 0) {
        const what = 'there is nothing to watch';
        throw new ConfigError({ where: 'gimbal align --monitor', what, fix: 'Give --reward, or leave --monitor out' });
      }
      specs.push(...o.monitor.map((text) => parseReward(text, where)));
    }
    if (all.data === undefined || !specs.some(readsNewsroom)) return;
    throw new ConfigError({
      where,
      what: 'the newsroom judges summaries of its own articles',
      fix: 'Leave --data out',
    });
  },
  async run(context): Promise<RlResult | undefined> {
    const { options: o, environment, input, signal, note, progress, dir, logDir } = context;
    const { value: rows, dir: rowsDir } = input(data);
    const before = input(fineTune);
    if (rows.kind !== 'prompt-completion') {
      throw new ConfigError({
        where,
        what: 'the rows are plain text: there are no prompts',
        fix: 'Leave --reward out',
      });
    }
    const { loadPretrained } = await import('@gimbal/language-models');
    const { disposeTree, rng } = await import('@gimbal/tensor-core');
    const pretrained = await loadPretrained(modelFolder(before, before.value.model));
    const { model, params, tokenizer } = pretrained;
    if (!tokenizer) throw new Error('the fine-tuned model has no tokenizer'); // the stages before have written one
    let tooLong = 0;
    const rewards = await loadRewards(
      (o.reward ?? []).map((text) => parseReward(text, where, { moving: true })),
      { where, world: rows.world, onTooLong: () => tooLong++ },
    );
    const { contextLength } = model.config;
    const [train, validation] = await Promise.all(
      ['train', 'validation'].map((name) => storedRows(rowsDir, name, 'prompt-completion')),
    );
    const longest = Math.max(
      ...(train?.rows ?? []).slice(0, 2000).map((r) => tokenizer.encodeText(r.completion).length),
    );
    const maxNewTokens = Math.min(longest + 1, Math.ceil(contextLength / 2));
    const room = { tokenizer, contextLength, maxNewTokens };
    const prompts = fittingPrompts(train?.rows ?? [], room, note);
    const measured = fittingPrompts((validation?.rows ?? []).slice(0, mostMeasured), room, () => {});
    const common = { policy: model, tokenizer, rewards, signal };
    const stream = rng(environment.seed).split('rl');
    const score = async (tree: typeof params): Promise<Estimate> => {
      const draws = stream.split('evaluate');
      const of = { ...common, params: tree, prompts: measured, maxNewTokens, temperature: 1, rng: draws };
      return rewardWithInterval((await scorePrompts(of)).rewards);
    };
    const watch =
      o.monitor &&
      (await watchRun(
        logDir,
        { monitor: o.monitor, patience: o.patience, world: rows.world },
        'gimbal align --monitor',
      ));
    try {
      const was = await score(params);
      using trainer = await trainPolicy({
        ...common,
        params,
        prompts,
        settings: {
          preset: o.rlPreset,
          steps: o.rlSteps,
          batchSize: o.rlBatchSize,
          learningRate: o.rlLearningRate,
          klCoef: o.rlKlCoef,
          temperature: 1,
          maxNewTokens,
        },
        seed: environment.seed,
        out: logDir,
        progress,
        note,
        where,
        tooLong: () => tooLong,
        watch,
      });
      const best = watch?.endedAt(trainer.step) ? await watch.bestParams(note) : undefined;
      if (watch) note(verdictOf(watch.seen));
      const kept = best?.params ?? trainer.params;
      await saveLike(join(dir, 'model'), model, kept, pretrained);
      const { readMetrics } = await import('@gimbal/tensor-core');
      const kl = (await readMetrics(logDir)).at(-1)?.kl;
      const after = await score(kept);
      if (best) disposeTree(best.params);
      return {
        model: 'model',
        steps: best?.step ?? trainer.step,
        before: was,
        after,
        kl: typeof kl === 'number' ? kl : Number.NaN,
        rewards: rewards.map(({ name }) => name),
        ...(watch && { watched: watch.seen }),
      };
    } finally {
      disposeTree(params);
    }
  },
  describe: (r) =>
    r === undefined
      ? 'left out'
      : `${r.steps} steps, reward ${figure(r.before.value)} → ${figure(r.after.value)}, KL ${klFigure(r.kl)}`,
  report(r, { metrics }) {
    if (r === undefined) return [];
    const curves = { slot: 'learning', title: 'How it learned', parts: rlCharts(metrics, r.rewards) } as const;
    return r.watched ? [watchSection(r.watched, metrics), curves] : [curves];
  },
});
