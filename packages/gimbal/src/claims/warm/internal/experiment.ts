// What the claims share: for each seed a body that was pretrained and fine-tuned once, pairs with and without noise, and the
// members of a configuration; all kept for the claims that follow.
import { averageMembers } from '@gimbal/reward-models';
import { type Params, type Rng, rng } from '@gimbal/tensor-core';
import { type CueBatch, type CuePairs, cue, cueShifts, cueSizes } from '@gimbal/worlds';
import {
  type DenseTargets,
  score as denseScore,
  fineTune,
  ownCopy,
  probe,
  regression,
  trainTo,
} from '../../../warm/dense-members.ts';
import { initNetwork } from '../../../warm/dense-network.ts';

export const world = cue();

/** Of the network: what it sees, what pretraining predicts. */
export const sizes = { inputs: cueSizes.observed, targets: cueSizes.target };

/** How members are trained: `S` is short and alike, `D` longer with three learning rates. */
export const configs = {
  S: { learningRates: [2e-3], steps: 40 },
  D: { learningRates: [5e-4, 1e-3, 2e-3], steps: 80 },
} as const;

/** Pairs of one seed. */
export interface Pairs {
  train: CuePairs;
  selection: CuePairs;
  test: CuePairs;
}

/** A pretrained and fine-tuned body. */
interface Body {
  /** the last one last: at 2/3, 5/6 and all of fine-tuning */
  checkpoints: readonly Params[];
}

const bodies = new Map<number, Promise<Body>>();

/** Pretrains (700 steps) and fine-tunes (600 steps); once a seed. */
export function bodyOf(seed: number, signal: AbortSignal): Promise<Body> {
  const known = bodies.get(seed);
  if (known) return known;
  const made = makeBody(seed, signal);
  made.catch(() => bodies.delete(seed)); // stopped: made anew when asked again
  bodies.set(seed, made);
  return made;
}

async function makeBody(seed: number, signal: AbortSignal): Promise<Body> {
  const stream = rng(seed).split('warm');
  const start = initNetwork(stream.split('init'), sizes);
  const draw = (name: string, make: (r: Rng) => CueBatch): ((step: number) => DenseTargets) => {
    const draws = stream.split(name);
    return (step) => targetsOf(make(draws.split(step)));
  };
  const batchSize = 256;
  using pretraining = regression(
    start,
    { learningRate: 2e-3, seed, batchSize },
    draw('pretraining', (r) => world.draw(batchSize, r, cueShifts.pretraining)),
  );
  await trainTo(pretraining, 700, signal);
  using tuning = regression(
    pretraining.params,
    { learningRate: 3e-4, seed, batchSize },
    draw('sft', (r) => aboveMedian(world.draw(batchSize, r, cueShifts.id))),
  );
  const checkpoints: Params[] = [];
  for (const steps of [400, 500, 600]) {
    await trainTo(tuning, steps, signal);
    // the head of pretraining is done with
    const { body, head } = tuning.params as { body: Params; head: Params };
    checkpoints.push(ownCopy({ body, head }));
  }
  return { checkpoints };
}

const targetsOf = ({ n, latents, observations }: CueBatch): DenseTargets => ({
  n,
  inputs: observations,
  targets: world.targets(latents),
});

function aboveMedian({ n, latents, observations, qualities }: CueBatch): CueBatch {
  const median = Float64Array.from(qualities).sort()[n >> 1] as number;
  const kept = Array.from({ length: n }, (_, i) => i).filter((i) => (qualities[i] as number) >= median);
  const rows = <A extends Float32Array | Float64Array>(from: A, to: A, size: number): A => {
    for (const [k, i] of kept.entries()) to.set(from.subarray(i * size, (i + 1) * size), k * size);
    return to;
  };
  return {
    n: kept.length,
    latents: rows(latents, new Float64Array(kept.length * cueSizes.latent), cueSizes.latent),
    observations: rows(observations, new Float32Array(kept.length * cueSizes.observed), cueSizes.observed),
    qualities: Float64Array.from(kept, (i) => qualities[i] as number),
  };
}

/** 1000 pairs to train on, 1000 for selection, 4000 out of distribution. */
export function pairsOf(seed: number, swap: number): Pairs {
  const stream = rng(seed).split('pairs');
  return {
    train: world.pairs(1000, stream.split('train'), { swap }),
    selection: world.pairs(1000, stream.split('selection'), { shift: cueShifts.ood }),
    test: world.pairs(4000, stream.split('test'), { shift: cueShifts.ood }),
  };
}

/** A member that was trained, and the settings of its run. */
export type Members = readonly Params[];

const trained = new Map<string, Promise<Members>>();

/** Six members of a configuration; once for each seed, noise and source of diversity. */
export function membersOf(
  seed: number,
  o: { config: keyof typeof configs; swap: number; baklava?: boolean; count?: number },
  signal: AbortSignal,
): Promise<Members> {
  const key = JSON.stringify([seed, o]);
  const known = trained.get(key);
  if (known) return known;
  const made = trainMembers(seed, o, signal);
  made.catch(() => trained.delete(key));
  trained.set(key, made);
  return made;
}

async function trainMembers(
  seed: number,
  { config, swap, baklava = false, count = 6 }: Parameters<typeof membersOf>[1],
  signal: AbortSignal,
): Promise<Members> {
  const { checkpoints } = await bodyOf(seed, signal);
  const { train } = pairsOf(seed, swap);
  const last = checkpoints.at(-1) as Params;
  // one head for all, probed on the last checkpoint's features
  const head = await probe(last, train, signal);
  const { learningRates, steps } = configs[config];
  const members: Params[] = [];
  for (let run = 0; run < count; run++) {
    const start = baklava ? (checkpoints[run % checkpoints.length] as Params) : last;
    members.push(
      await fineTune({ body: start.body as Params, head: { weight: head } }, train, {
        learningRate: learningRates[run % learningRates.length] as number,
        dropout: run % 6 < 3 ? 0.05 : 0.1,
        stream: rng(seed).split('runs').split(run),
        steps,
        signal,
      }),
    );
  }
  head.dispose();
  return members;
}

/** Rewards of observations [n·64]. */
export const score = (params: Params, observations: Float32Array): Float32Array =>
  denseScore(params, observations, observations.length / cueSizes.observed);

/** r(chosen) − r(rejected) of each pair. */
export function margins(params: Params, { chosen, rejected }: CuePairs): Float64Array {
  const [a, b] = [score(params, chosen), score(params, rejected)];
  return Float64Array.from(a, (x, i) => x - (b[i] as number));
}

/** Share of margins above 0, of all or of some. */
export function accuracy(values: ArrayLike<number>, counts: (i: number) => boolean = () => true): number {
  let [hits, n] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (!counts(i)) continue;
    n++;
    hits += (values[i] as number) > 0 ? 1 : (values[i] as number) === 0 ? 0.5 : 0;
  }
  return hits / n;
}

/** Mean of several lists, element by element: the prediction ensemble. */
export const meanOfLists = (lists: readonly ArrayLike<number>[]): Float64Array =>
  Float64Array.from(
    { length: lists[0]?.length ?? 0 },
    (_, i) => lists.reduce((s, list) => s + (list[i] as number), 0) / lists.length,
  );

/** The weight average of members of one pretraining. */
export const average = (members: Members): Params =>
  averageMembers(members.map((params, run) => ({ params, lineage: { pretrainId: 'cue', run } })));
