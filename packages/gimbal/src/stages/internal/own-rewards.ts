// Reward models of the user's own pairs: fine-tuned from the model that will learn from them, averaged (WARM); and one more,
// of pairs that those have not seen, that watches what becomes of it.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer } from '@gimbal/language-models';
import type { PairRow, RewardModel, RewardTrainer } from '@gimbal/reward-models';
import { DataError, disposeTree, type Params, rng, StoppedError } from '@gimbal/tensor-core';
import { counted } from '../../cli/format.ts';
import type { StageContext } from '../../pipeline/stage.ts';
import { fittingRows } from '../../reward/pair-margins.ts';
import { checkpointIn } from '../../run/going-on.ts';
import { ensembleOf, examOf, type Predictions } from '../../warm/exam.ts';
import { rate } from './intervals.ts';
import type { OwnPairs } from './own-pairs.ts';
import type { RewardModelsResult } from './reward-models-result.ts';

export interface OwnRewardOptions {
  models: number;
  steps: number;
  learningRate: number;
}

type Context = Pick<StageContext, 'dir' | 'logDir' | 'signal' | 'progress' | 'note'>;

const batchSize = 16;
const dropout = [0.05, 0.1];
const lambdas = [0, 0.25, 0.5, 0.75, 1];

/** @param folder of the model that learns. Leaves average, member-<run> and control in the stage's folder */
export async function ownRewardModels(
  all: OwnPairs,
  folder: string,
  o: OwnRewardOptions & { seed: number },
  { dir, logDir, signal, progress, note }: Context,
): Promise<RewardModelsResult> {
  const lm = await import('@gimbal/language-models');
  const reward = await import('@gimbal/reward-models');
  const { model: heads, params, tokenizer } = await lm.loadClassifier(folder, { labels: ['reward'], seed: o.seed });
  if (!tokenizer) throw new Error(`${folder} has no tokenizer`); // the stages before have written one
  const model = reward.rewardModel(heads);
  const pairs = fittingPairs(all, reward.answerEncoder(heads.config, tokenizer), note);
  const stream = rng(o.seed).split('own-rewards');
  const common = { model, tokenizer, batchSize, checkpointEvery: Math.max(1, Math.ceil(o.steps / 4)) };
  const trainer = new reward.WarmTrainer({
    ...common,
    data: lm.dataset(pairs.train),
    selection: lm.dataset(pairs.selection),
    init: { kind: 'shared', params },
    grid: { learningRate: [o.learningRate], dropout },
    runs: o.models,
    stepsPerRun: o.steps,
    seed: stream.split('members').int(2 ** 30),
    out: join(logDir, 'warm'),
  });
  const accuracies: number[] = [];
  let averaged = false;
  try {
    for await (const step of trainer.train({ signal })) {
      if (step.phase === 'averaged') averaged = true;
      const done = (step.run ?? 0) * o.steps + (step.step ?? o.steps);
      progress({ step: done, total: o.models * o.steps, text: `reward model ${(step.run ?? 0) + 1}` });
    }
    if (!averaged) throw new StoppedError({ where: 'stage reward-models', what: 'stopped while members were trained' });
    for (const { lineage, selectionAccuracy } of (await trainer.record()).members)
      accuracies[lineage?.run ?? 0] = selectionAccuracy ?? 0;
    const best = accuracies.indexOf(Math.max(...accuracies));
    await cp(trainer.model, join(dir, 'average'), { recursive: true });
    for (let run = 0; run < o.models; run++)
      await cp(join(logDir, 'warm', 'members', `run-${run}`), join(dir, `member-${run}`), { recursive: true });

    const out = join(logDir, 'control');
    const control = { ...common, params, data: lm.dataset(pairs.control), dropout: dropout[0] as number, out };
    await trainControl(reward.RewardTrainer, { ...control, learningRate: o.learningRate, seed: o.seed }, o.steps, {
      note,
      signal,
      finish: (own) => reward.saveReward(join(dir, 'control'), model, own, { tokenizer }),
    });
    return await measured(model, tokenizer, pairs, { dir, models: o.models, best });
  } finally {
    disposeTree(params);
  }
}

/** The control is no member: it has seen other pairs. */
async function trainControl(
  Trainer: typeof RewardTrainer,
  options: ConstructorParameters<typeof RewardTrainer>[0] & { out: string },
  steps: number,
  o: { note(text: string): void; signal: AbortSignal; finish(params: Params): Promise<void> },
): Promise<void> {
  const from = await checkpointIn(options.out, o.note);
  using trainer = from === undefined ? new Trainer(options) : await Trainer.resume(options.out, options);
  await trainer.run({ steps, signal: o.signal });
  if (trainer.step < steps)
    throw new StoppedError({ where: 'stage reward-models', what: 'stopped while the control was trained' });
  const own = trainer.model();
  await o.finish(own).finally(() => disposeTree(own));
}

/** How often each is right, slice by slice, and the line between the first two. */
async function measured(
  model: RewardModel,
  tokenizer: Tokenizer,
  pairs: OwnPairs,
  { dir, models, best }: { dir: string; models: number; best: number },
): Promise<RewardModelsResult> {
  const lm = await import('@gimbal/language-models');
  const { lmcCurve } = await import('@gimbal/reward-models');
  const open = async (name: string): Promise<Params> => (await lm.loadClassifier(join(dir, name))).params;
  const exam = await examOf(model, tokenizer, lm.dataset([...pairs.test, ...pairs.train]));
  const read = async (name: string): Promise<Predictions> => {
    const tree = await open(name);
    return exam.predict(tree).finally(() => disposeTree(tree));
  };
  const members: Predictions[] = [];
  for (let run = 0; run < models; run++) members.push(await read(`member-${run}`));
  const of = { average: await read('average'), ensemble: ensembleOf(members), control: await read('control') };
  const tests = pairs.test.length;
  const index = (keep: (pair: OwnPairs['test'][number], i: number) => boolean): number[] =>
    [...pairs.test, ...pairs.train].flatMap((pair, i) => (keep(pair, i) ? [i] : []));
  const longer = (pair: OwnPairs['test'][number]): boolean => pair.chosen.length > pair.rejected.length;
  const slices: [string, number[]][] = [
    ['held-out pairs', index((_, i) => i < tests)],
    ['of them, the better answer is longer', index((pair, i) => i < tests && longer(pair))],
    ['of them, the better answer is no longer', index((pair, i) => i < tests && !longer(pair))],
    ['training pairs', index((_, i) => i >= tests)],
  ];
  const hits = (found: Predictions, at: readonly number[]): number =>
    at.reduce((sum, i) => {
      const margin = found[i]?.[0] ?? 0;
      return sum + (margin > 0 ? 1 : margin === 0 ? 0.5 : 0);
    }, 0);
  const share = (found: Predictions, at: readonly number[]) => rate(hits(found, at), at.length);
  const ends = [await open('member-0'), await open('member-1')] as const;
  const test = await examOf(model, tokenizer, lm.dataset(pairs.test));
  const line: RewardModelsResult['line'] = [];
  const margins = async (params: Params) => (await test.predict(params)).map(([margin]) => margin as number);
  for await (const { lambda, wa, ens, diag } of lmcCurve(margins, ...ends, lambdas))
    line.push({ lambda, wa, ens, diag });
  for (const tree of ends) disposeTree(tree);
  return {
    members: models,
    best,
    slices: slices
      .filter(([, at]) => at.length > 0)
      .map(([name, at]) => ({
        name,
        mean: members.reduce((sum, found) => sum + hits(found, at), 0) / (models * at.length),
        best: share(members[best] as Predictions, at),
        ensemble: share(of.ensemble, at),
        average: share(of.average, at),
      })),
    line,
    own: {
      pairs: pairs.train.length,
      controlPairs: pairs.control.length,
      control: share(of.control, slices[0]?.[1] ?? []),
    },
  };
}

/** Pairs that the model has room for; the others are counted. @throws DataError where a part is left without any */
function fittingPairs(
  all: OwnPairs,
  encoder: Parameters<typeof fittingRows>[1],
  note: (text: string) => void,
): OwnPairs {
  const fitting = { ...all };
  for (const name of ['train', 'control', 'selection', 'test'] as const) {
    fitting[name] = fittingRows(all[name] as PairRow[], encoder, false) as OwnPairs['train'];
    const long = all[name].length - fitting[name].length;
    if (long > 0) note(`${counted(long, 'pair')} of ${name} longer than the model: left out`);
    if (fitting[name].length > 0) continue;
    const fix = 'Give the model more --context, or shorten the pairs';
    throw new DataError({
      where: 'gimbal align --preferences',
      what: `all pairs of ${name} are longer than the model`,
      fix,
    });
  }
  return fitting;
}
