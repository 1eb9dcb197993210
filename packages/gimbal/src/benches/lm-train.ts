// One training step of a small decoder: forward, loss, backward, AdamW. Against PyTorch eager with
// scaled_dot_product_attention and torch.optim.AdamW; memory and losses too.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withPrecision, writeSafetensors } from '@gimbal/tensor-core';
import { countHostKernels } from '../bench/host-kernels.ts';
import type { Peer } from '../bench/peer.ts';
import { compare, known } from '../bench/row.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { curveDistance, trainingCurve } from './internal/curve.ts';
import {
  batch,
  batchOf,
  disposeBatch,
  gpt2Sizes,
  type LmSizes,
  LmTraining,
  learningRate,
  llamaSizes,
  randomIds,
} from './internal/lm-workload.ts';

type Precision = 'float32' | 'bf16';

/** nats that the losses of the first steps may differ by */
const lossTolerance = 1e-4;
const curveSteps = 300;

export const suite = defineSuite({
  name: 'lm-train',
  summary: 'a training step of a 4-layer decoder',
  async *run(context) {
    const peer = await context.peer('lm_train.py');
    const first = await step(context, peer, 'GPT-2 block, float32', gpt2Sizes, 'float32', 1.2);
    yield first;
    // before anything else has run in either process
    yield await memory(peer, first.hostKernels);
    if (peer) yield await sameLosses(context, peer);
    if (context.bf16) yield await step(context, peer, 'GPT-2 block, bf16 products', gpt2Sizes, 'bf16', 1.2);
    yield await step(context, peer, 'Llama block, float32', llamaSizes, 'float32', null);
    if (context.bf16) {
      yield await step(context, peer, 'Llama block, bf16 products', llamaSizes, 'bf16', null);
      yield await bf16Curve(context);
    }
  },
});

async function step(
  context: SuiteContext,
  peer: Peer | undefined,
  name: string,
  sizes: LmSizes,
  precision: Precision,
  goal: number | null,
): Promise<BenchRow> {
  using training = new LmTraining(sizes, context.options.seed);
  const data = batchOf(randomIds(sizes, batch.rows, batch.columns + 1, context.options.seed));
  const row = await compare(context, {
    name: `step, ${name}`,
    unit: 'ms',
    value: (seconds) => seconds * 1e3,
    goal,
    work: (calls) => {
      for (let i = 0; i < calls; i++) withPrecision(precision, () => training.step(data)).dispose();
    },
    against: { peer, case: 'train-step', arguments: { ...sizes, ...batch, precision } },
    sampling: { rounds: 11, roundSeconds: 0.6, budgetSeconds: 30 },
  });
  disposeBatch(data);
  return row;
}

/**
 * Peak resident memory of each process up to here, runtimes and libraries included.
 * @param hostKernels of the steps that the memory was used in
 */
async function memory(peer: Peer | undefined, hostKernels: number): Promise<BenchRow> {
  const ours = process.resourceUsage().maxRSS * 1024;
  const theirs = peer === undefined ? null : await peer.ask<number>('peak-memory');
  const megabytes = (bytes: number): number => bytes / 1e6;
  return known({
    name: 'peak memory, GPT-2 block, float32',
    unit: 'MB',
    ours: megabytes(ours),
    peer: theirs === null ? null : megabytes(theirs),
    goal: 1 / 1.2,
    hostKernels,
    others: null,
  });
}

/** The losses of three steps from equal weights: the largest difference, against what is allowed. */
async function sameLosses(context: SuiteContext, peer: Peer): Promise<BenchRow> {
  const dir = await mkdtemp(join(tmpdir(), 'gimbal-bench-'));
  try {
    const weights = join(dir, 'model.safetensors');
    const ids = randomIds(gpt2Sizes, batch.rows, batch.columns + 1, context.options.seed);
    using training = new LmTraining(gpt2Sizes, context.options.seed);
    await writeSafetensors(weights, training.params);
    const data = batchOf(ids);
    const { value: ours, hostKernels } = await countHostKernels(() =>
      Array.from({ length: 3 }, () => {
        const loss = training.step(data);
        const value = loss.dataSync()[0] as number;
        loss.dispose();
        return value;
      }),
    );
    disposeBatch(data);
    const theirs = await peer.ask<number[]>('losses', { ...gpt2Sizes, weights, ids, steps: 3, learningRate });
    const difference = Math.max(...ours.map((loss, i) => Math.abs(loss - (theirs[i] as number))));
    return known({
      name: 'losses of 3 steps, largest difference (peer: what is allowed)',
      unit: 'nats',
      ours: difference,
      peer: lossTolerance,
      goal: 1,
      hostKernels,
      others: null,
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** float32 with two seeds, bf16 with the first: rounding may move the curve less than another seed does. */
async function bf16Curve({ options, note }: SuiteContext): Promise<BenchRow> {
  const steps = Math.max(30, Math.round(curveSteps * options.effort));
  note(`three curves of ${steps} steps`);
  const { value, hostKernels } = await countHostKernels(() => ({
    first: trainingCurve(options.seed, steps, 'float32'),
    second: trainingCurve(options.seed + 1, steps, 'float32'),
    bf16: trainingCurve(options.seed, steps, 'bf16'),
  }));
  return known({
    name: `loss over ${steps} steps, bf16 from float32 (peer: seed from seed)`,
    unit: 'nats',
    ours: curveDistance(value.first, value.bf16),
    peer: curveDistance(value.first, value.second),
    goal: 1,
    hostKernels,
    others: null,
  });
}
