// Reward models of summaries on dense features: a body pretrained without labels, and M members fine-tuned from it on noisy
// pairs, which are averaged.

import { disposeTree, type Params, type Rng } from '@gimbal/tensor-core';
import { type DensePairs, fineTune, ownCopy, probe, regression, score, trainTo } from './dense-members.ts';
import { initNetwork } from './dense-network.ts';
import type { SummaryFeatures } from './summary-features.ts';

/** How members are trained: short, so that swapped labels are not learnt by heart. */
export interface MemberOptions {
  members: number;
  steps: number;
  learningRate: number;
  stream: Rng;
  signal: AbortSignal;
  onMember?(run: number): void;
}

const pretrainingSteps = 300;
const batchSize = 64;

/** Inputs of both sides of pairs. */
export async function densePairs(
  features: SummaryFeatures,
  rows: readonly { prompt: string; chosen: string; rejected: string }[],
): Promise<DensePairs> {
  const articles = rows.map((row) => row.prompt);
  return {
    n: rows.length,
    chosen: await features.read(
      articles,
      rows.map((row) => row.chosen),
    ),
    rejected: await features.read(
      articles,
      rows.map((row) => row.rejected),
    ),
  };
}

/**
 * A body that predicts, of summaries without labels, what their words and matches are when one does not see all of them:
 * each step hides a third of the inputs.
 */
export async function pretrainedBody(pairs: DensePairs, stream: Rng, signal: AbortSignal): Promise<Params> {
  const all = [pairs.chosen, pairs.rejected];
  const width = pairs.chosen.length / pairs.n;
  const start = initNetwork(stream.split('init'), { inputs: width, targets: width });
  using loop = regression(start, { learningRate: 2e-3, seed: 0, batchSize }, (step) => {
    const draws = stream.split('pretraining').split(step);
    const [inputs, targets] = [new Float32Array(batchSize * width), new Float32Array(batchSize * width)];
    for (let b = 0; b < batchSize; b++) {
      const from = all[draws.int(2)] as Float32Array;
      const row = draws.int(pairs.n) * width;
      for (let k = 0; k < width; k++) {
        const value = from[row + k] as number;
        targets[b * width + k] = value;
        inputs[b * width + k] = draws.uniform() < 1 / 3 ? 0 : value;
      }
    }
    return { n: batchSize, inputs, targets };
  });
  disposeTree(start);
  await trainTo(loop, pretrainingSteps, signal);
  const { body, head } = loop.params as { body: Params; head: Params };
  return ownCopy({ body, head });
}

/** Members from one body and one probed head. The caller owns them. */
export async function trainMembers(body: Params, pairs: DensePairs, o: MemberOptions): Promise<Params[]> {
  const weight = await probe(body, pairs, o.signal);
  const members: Params[] = [];
  for (let run = 0; run < o.members; run++) {
    const start = { body: body.body as Params, head: { weight } };
    const { learningRate, steps, signal } = o;
    const dropout = run % 2 === 0 ? 0.05 : 0.1;
    members.push(await fineTune(start, pairs, { learningRate, dropout, steps, stream: o.stream.split(run), signal }));
    o.onMember?.(run);
  }
  weight.dispose();
  return members;
}

/** A reward model's scores as a reward function of texts. */
export const summaryReward =
  (features: SummaryFeatures, params: Params) =>
  async (articles: readonly string[], summaries: readonly string[]): Promise<number[]> =>
    Array.from(score(params, await features.read(articles, summaries), articles.length));
