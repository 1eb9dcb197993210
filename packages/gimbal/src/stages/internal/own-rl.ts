// Reinforcement learning against reward models of the user's own pairs: one, their average and, where a judge is given,
// entailment. Nobody knows the truth here: a reward model of other pairs, which is never optimised, stands for it.
import { join } from 'node:path';
import type { NamedReward } from '@gimbal/fma-pg';
import { distinctN, rougeN } from '@gimbal/language-models';
import { disposeTree, type Params, type RewardFn, rng } from '@gimbal/tensor-core';
import type { StageContext } from '../../pipeline/stage.ts';
import { loadRewards } from '../../rl/reward.ts';
import { parseReward } from '../../rl/reward-spec.ts';
import { fittingPrompts, roomBeside, trainPolicy } from '../../rl/train-policy.ts';
import { watchRun } from '../../rl/watch.ts';
import { type Estimate, meanWithInterval } from './intervals.ts';
import type { OwnPair, OwnPairs } from './own-pairs.ts';
import type { RewardModelsResult } from './reward-models-result.ts';
import { saveLike } from './save-like.ts';
import { writeCompletions } from './write-completions.ts';

export interface OwnRlOptions {
  steps: number;
  batchSize: number;
  learningRate: number;
  klCoef: number;
  patience: number;
  entailment?: string | undefined;
}

/** A step of a run, each reward in standard deviations of the better answers. */
export interface OwnCurvePoint {
  step: number;
  kl: number;
  proxy: number;
  control: number;
  length: number;
}

/** Completions of held-out prompts, sampled at T = 1. */
export interface OwnScores {
  control: Estimate;
  /** of each prompt */
  controls: number[];
  words: Estimate;
  /** with the better answer of the pair */
  rouge1: Estimate;
  /** share of different pairs of words */
  distinct2: number;
}

export interface OwnRun {
  name: string;
  /** model folder, see `modelFolder` */
  model: string;
  /** whose weights are kept: the best by the control */
  step: number;
  steps: number;
  curve: OwnCurvePoint[];
  scores: OwnScores;
}

export interface OwnRlResult {
  own: true;
  before: OwnScores;
  runs: OwnRun[];
}

type Context = Pick<StageContext, 'dir' | 'logDir' | 'signal' | 'progress' | 'note'>;
const where = 'gimbal align --preferences';
const [mostPrompts, mostTests] = [4000, 256];

/** @param folder of the model that learns; @param rewards the stage's folder with average, members and control */
export async function learnFromOwn(
  pairs: OwnPairs,
  folder: string,
  rewards: { dir: string; value: RewardModelsResult },
  o: OwnRlOptions & { seed: number },
  { dir, logDir, signal, progress, note }: Context,
): Promise<OwnRlResult> {
  const { loadPretrained } = await import('@gimbal/language-models');
  const { readMetrics } = await import('@gimbal/tensor-core');
  const pretrained = await loadPretrained(folder);
  const { model, params, tokenizer } = pretrained;
  if (!tokenizer) throw new Error('the fine-tuned model has no tokenizer'); // the stages before have written one
  const { contextLength } = model.config;
  const learning = onePerPrompt([...pairs.train, ...pairs.control]).slice(0, mostPrompts);
  const held = onePerPrompt(pairs.test).slice(0, mostTests);
  const longest = learning.reduce((n, { chosen }) => Math.max(n, tokenizer.encodeText(chosen).length), 0);
  const maxNewTokens = Math.max(2, Math.min(longest + 1, roomBeside(learning, tokenizer, contextLength)));
  const room = { tokenizer, contextLength, maxNewTokens };
  const prompts = fittingPrompts(learning, room, () => {}).map(({ prompt }) => prompt);
  const tests = fittingPrompts(held, room, () => {});
  const better = pairs.selection.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
  const opened: Params[] = [];
  // of the rewards that are optimised: where all of a step are too long, the run says so
  let tooLong = 0;
  const onTooLong = (): void => {
    tooLong++;
  };
  const open = async (name: string, counted?: () => void): Promise<RewardFn> => {
    const { fn, params: tree } = await standardised(join(rewards.dir, name), better, counted);
    opened.push(tree);
    return fn;
  };
  const control = await open('control');
  const entailment =
    o.entailment === undefined
      ? []
      : [await loadRewards([parseReward(`entailment:${o.entailment}`, where)], { where, onTooLong })];
  const kinds: { key: string; name: string; fn: RewardFn }[] = [
    { key: 'one', name: 'one reward model', fn: await open(`member-${rewards.value.best}`, onTooLong) },
    ...entailment.map((list) => ({ key: 'entailment', name: 'entailment', fn: (list[0] as NamedReward).fn })),
    { key: 'average', name: 'their average', fn: await open('average', onTooLong) },
  ];
  const stream = rng(o.seed).split('own-rl');
  const scored = async (tree: Params): Promise<OwnScores> => {
    const texts = tests.map(({ prompt }) => prompt);
    const written = await writeCompletions({ ...pretrained, params: tree }, texts, {
      ...{ batchSize: 32, maxNewTokens, temperature: 1, promptSuffix: true },
      ...{ rng: stream.split('scores'), signal },
    });
    const controls = (await control(texts, written)).map((r) => r ?? Number.NaN);
    const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;
    return {
      control: meanWithInterval(controls.filter((r) => !Number.isNaN(r))),
      controls,
      words: meanWithInterval(written.map(words)),
      rouge1: meanWithInterval(written.map((text, i) => rougeN(text, (tests[i] as OwnPair).chosen, 1).f1)),
      distinct2: distinctN(written, 2),
    };
  };
  try {
    const before = await scored(params);
    const runs: OwnRun[] = [];
    for (const [i, { key, name, fn }] of kinds.entries()) {
      const out = join(logDir, key);
      const watch = await watchRun(out, { monitor: control, patience: o.patience }, where);
      using trainer = await trainPolicy({
        ...{ policy: model, params, tokenizer, prompts, seed: o.seed, out, signal, watch, note, where },
        tooLong: () => tooLong,
        rewards: [
          // where it abstains the control alone would make it 0, which is more than log P ever is
          { name: 'proxy', weight: 1, fn, required: true },
          { name: 'control', weight: 0, fn: control },
        ],
        settings: {
          ...{ preset: 'rloo', temperature: 1, maxNewTokens },
          ...{ steps: o.steps, batchSize: o.batchSize, learningRate: o.learningRate, klCoef: o.klCoef },
        },
        progress: ({ step, text }) =>
          progress({ step: i * o.steps + step, total: kinds.length * o.steps, text: `${name}: ${text}` }),
      });
      const best = await watch.bestParams(note);
      const kept = best?.params ?? trainer.params;
      await saveLike(join(dir, key), model, kept, pretrained);
      const curve = (await readMetrics(out)).map(pointOf);
      runs.push({
        name,
        model: key,
        step: best?.step ?? trainer.step,
        steps: o.steps,
        curve,
        scores: await scored(kept),
      });
      if (best) disposeTree(best.params);
    }
    return { own: true, before, runs };
  } finally {
    for (const tree of [params, ...opened]) disposeTree(tree);
  }
}

/** Scores in standard deviations of the better answers; what is longer than the model has none. The caller owns the tree. */
async function standardised(
  folder: string,
  better: readonly { prompt: string; completion: string }[],
  onTooLong?: () => void,
): Promise<{ fn: RewardFn; params: Params }> {
  const { answerEncoder, loadReward, rewardFn, rewardStats } = await import('@gimbal/reward-models');
  const { model, params, tokenizer } = await loadReward(folder);
  if (model.kind !== 'bradley-terry' || !tokenizer) throw new Error(`${folder} is no reward model with a tokenizer`);
  const encoder = answerEncoder(model.classifier.config, tokenizer);
  const score = rewardFn(model, params, tokenizer);
  const stats = better.length < 2 ? { mean: 0, std: 1 } : await rewardStats(score, better);
  const fn: RewardFn = async (prompts, completions) => {
    const at = prompts.flatMap((prompt, i) =>
      encoder.encode(prompt, [completions[i] as string]).ids.length <= encoder.limit ? [i] : [],
    );
    for (let k = at.length; k < prompts.length; k++) onTooLong?.();
    const pick = (list: readonly string[]): string[] => at.map((i) => list[i] as string);
    const found = await score(pick(prompts), pick(completions));
    const out: (number | null)[] = prompts.map(() => null);
    at.forEach((i, k) => {
      out[i] = ((found[k] as number) - stats.mean) / stats.std;
    });
    return out;
  };
  return { fn, params };
}

/** The first pair of each prompt. */
const onePerPrompt = (pairs: readonly OwnPair[]): OwnPair[] => [
  ...new Map([...pairs].reverse().map((pair) => [pair.prompt, pair])).values(),
];

function pointOf(row: { step: number; [name: string]: unknown }): OwnCurvePoint {
  const of = (name: string): number => (typeof row[name] === 'number' ? (row[name] as number) : Number.NaN);
  return {
    step: row.step,
    kl: of('kl'),
    proxy: of('reward_proxy'),
    control: of('reward_control'),
    length: of('length'),
  };
}
