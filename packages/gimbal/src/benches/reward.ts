// Reward models: a training step beside PyTorch, and 1,000 scores by a weight average beside one model and beside the
// ensemble of what it averages.
import { decoderConfig, padRows } from '@gimbal/language-models';
import { averageMembers, bradleyTerryLoss, type RewardModel, rewardModel } from '@gimbal/reward-models';
import { createOptimizer, disposeTree, type Params, rng, valueAndGrad, variables } from '@gimbal/tensor-core';
import { type Scalar, scalar, slice, tidy } from '@tensorflow/tfjs-core';
import { countHostKernels } from '../bench/host-kernels.ts';
import { compare, known } from '../bench/row.ts';
import { ours } from '../bench/sampler.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { nativePackage } from '../run/native.ts';
import { gpt2Sizes, randomIds } from './internal/lm-workload.ts';

const [pairs, columns] = [8, 128];
/** tokens of an article with its summary */
const width = 24;
const members = 6;

export const suite = defineSuite({
  name: 'reward',
  summary: 'training a reward model, and scoring with a weight average',
  async *run(context) {
    yield await trainingStep(context);
    yield* scoring(context);
  },
});

async function trainingStep(context: SuiteContext): Promise<BenchRow> {
  const { seed } = context.options;
  const peer = await context.peer('reward.py');
  const model = rewardModel(decoderConfig(gpt2Sizes));
  const initial = model.init(rng(seed));
  const params = variables(initial);
  disposeTree(initial);
  const optimizer = createOptimizer({ name: 'adamw', weightDecay: 0.01, groups: [{ match: '**', weightDecay: 0.01 }] });
  const state = optimizer.init(params);
  const batch = rowsOf(randomIds(gpt2Sizes, 2 * pairs, columns, seed));
  const gradients = valueAndGrad((p: Params) => {
    const scores = model.score(p, batch);
    return bradleyTerryLoss(slice(scores, [0], [pairs]), slice(scores, [pairs], [pairs])) as Scalar;
  });
  const work = (calls: number): void => {
    for (let i = 0; i < calls; i++) {
      tidy(() => {
        const { grads } = gradients(params);
        optimizer.update(params, grads, state, 1e-4, { gradientScale: scalar(1 / pairs) });
      });
    }
  };
  try {
    return await compare(context, {
      name: `step of ${pairs} pairs, GPT-2 block, float32`,
      unit: 'ms',
      value: (seconds) => seconds * 1e3,
      goal: 1.2,
      work,
      against: { peer, case: 'train-step', arguments: { ...gpt2Sizes, pairs, columns } },
      sampling: { rounds: 11, roundSeconds: 0.6, budgetSeconds: 30 },
    });
  } finally {
    for (const tree of [params, state]) disposeTree(tree);
  }
}

/** The average, one of its members, and all of them, in the same rounds. */
async function* scoring(context: SuiteContext): AsyncGenerator<BenchRow> {
  const { seed, effort } = context.options;
  const rows = Math.max(100, 50 * Math.round(20 * Math.min(1, effort)));
  const model = rewardModel(decoderConfig(gpt2Sizes));
  const trees = Array.from({ length: members }, (_, run) => model.init(rng(seed).split(run)));
  const average = averageMembers(trees.map((params, run) => ({ params, lineage: { pretrainId: 'bench', run } })));
  const batches = Array.from({ length: rows / 50 }, (_, i) => rowsOf(randomIds(gpt2Sizes, 50, width, seed + i)));
  const native = await nativePackage();
  const scorer = (params: readonly Params[]) =>
    ours((calls) => {
      for (let i = 0; i < calls; i++) for (const p of params) score(model, p, batches);
    }, native?.synchronize);
  const { value, hostKernels } = await countHostKernels(() =>
    context.sampler.interleave([scorer([average]), scorer([trees[0] as Params]), scorer(trees)], {
      rounds: 7,
      roundSeconds: 0.5,
      budgetSeconds: 40,
    }),
  );
  const [one, single, all] = value.map((timing) => timing.median * 1e3) as [number, number, number];
  const common = { unit: 'ms', ours: one, hostKernels };
  yield known({
    ...common,
    name: `${rows} scores by the average of ${members} (peer: one model)`,
    peer: single,
    goal: 0.95,
  });
  yield known({
    ...common,
    name: `${rows} scores by the average of ${members} (peer: their ensemble)`,
    peer: all,
    goal: 5,
  });
  for (const tree of [...trees, average]) disposeTree(tree);
}

function score(model: RewardModel, params: Params, batches: readonly ReturnType<typeof rowsOf>[]): void {
  for (const batch of batches) {
    const scores = model.score(params, batch);
    scores.dataSync();
    scores.dispose();
  }
}

const rowsOf = (ids: readonly (readonly number[])[]) =>
  padRows(
    ids.map((row) => ({ ids: Int32Array.from(row), types: new Int32Array(row.length) })),
    0,
  );
