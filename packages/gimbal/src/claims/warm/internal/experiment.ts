// What the claims share: for each seed a body that was pretrained and fine-tuned once, pairs with and without noise, and the
// members of a configuration; all kept for the claims that follow.
import { averageMembers, bradleyTerryLoss, probeHead } from '@gimbal/reward-models';
import {
  type BatchSource,
  cloneTree,
  EpochSampler,
  flatten,
  LoopTrainer,
  mapBatches,
  type Params,
  type Rng,
  rng,
  StoppedError,
  unflatten,
} from '@gimbal/tensor-core';
import { type CueBatch, type CuePairs, cue, cueShifts, cueSizes } from '@gimbal/worlds';
import {
  gather,
  keep,
  type Scalar,
  squaredDifference,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { features, initNetwork, predictions, scores } from './network.ts';

export const world = cue();

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
  const start = initNetwork(stream.split('init'));
  using pretraining = regression(start, stream.split('pretraining'), { learningRate: 2e-3, seed }, (r) =>
    world.draw(256, r, cueShifts.pretraining),
  );
  await trainTo(pretraining, 700, signal);
  using tuning = regression(pretraining.params, stream.split('sft'), { learningRate: 3e-4, seed }, (r) =>
    aboveMedian(world.draw(256, r, cueShifts.id)),
  );
  const checkpoints: Params[] = [];
  for (const steps of [400, 500, 600]) {
    await trainTo(tuning, steps, signal);
    // the head of pretraining is done with
    const { body, head } = tuning.params as { body: Params; head: Params };
    checkpoints.push(copy({ body, head }));
  }
  return { checkpoints };
}

/** Regresses the targets; every step draws anew. */
function regression(
  params: Params,
  stream: Rng,
  o: { learningRate: number; seed: number },
  draw: (r: Rng) => CueBatch,
): LoopTrainer<CueBatch> {
  let step = 0;
  const batches: BatchSource<CueBatch> = {
    next: () => draw(stream.split(step++)),
    state: () => step,
    restore(s) {
      step = s as number;
    },
  };
  return new LoopTrainer<CueBatch>({
    params,
    batches,
    loss: (p, { n, latents, observations }) => {
      const wanted = tensor2d(world.targets(latents), [n, cueSizes.target]);
      const found = predictions(p, tensor2d(observations, [n, cueSizes.observed]));
      return { sum: sum(squaredDifference(found, wanted)) as Scalar, weight: n * cueSizes.target };
    },
    options: { ...o, optimizer: { name: 'adam' }, batchSize: 256, logEvery: 1000 },
  });
}

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
  const differences = tidy(
    () => sub(features(last, sides(train).chosen), features(last, sides(train).rejected)) as Tensor2D,
  );
  const head = await probeHead(differences, { signal }).finally(() => differences.dispose());
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

export interface FineTuning {
  learningRate: number;
  dropout: number;
  stream: Rng;
  steps: number;
  signal: AbortSignal;
}

/** A reward model from `start`, on batches of 32 pairs. */
export async function fineTune(start: Params, pairs: CuePairs, o: FineTuning): Promise<Params> {
  const all = sides(pairs);
  const noise = o.stream.split('noise');
  let step = 0;
  const sampler = new EpochSampler(pairs.n, { batchSize: 32, rng: o.stream.split('data') });
  using loop = new LoopTrainer<Int32Array>({
    params: start,
    batches: mapBatches(sampler, (indices) => Int32Array.from(indices)),
    loss: (p, indices) => {
      const rows = tensor1d(indices, 'int32');
      const streams = noise.split(step++);
      const score = (x: Tensor2D, side: string) =>
        scores(p, gather(x, rows), { rate: o.dropout, rng: streams.split(side) });
      const loss = bradleyTerryLoss(score(all.chosen, 'chosen'), score(all.rejected, 'rejected'));
      return { sum: loss, weight: indices.length };
    },
    options: { learningRate: o.learningRate, optimizer: { name: 'adam' }, batchSize: 32, logEvery: 1000, seed: 0 },
  });
  try {
    await trainTo(loop, o.steps, o.signal);
    return copy(loop.params);
  } finally {
    all.chosen.dispose();
    all.rejected.dispose();
  }
}

async function trainTo(
  loop: LoopTrainer<never> | LoopTrainer<CueBatch> | LoopTrainer<Int32Array>,
  steps: number,
  signal: AbortSignal,
): Promise<void> {
  await loop.run({ steps, signal });
  if (loop.stopReason === 'signal')
    throw new StoppedError({ where: 'gimbal reproduce warm', what: 'stopped while a model was trained' });
}

/** A copy that outlives the trainer. */
const copy = (params: Params): Params =>
  unflatten(flatten(cloneTree(params) as Params).map(([path, t]): [string, Tensor] => [path, keep(t)]));

/** Both sides of all pairs [N,64]. */
const sides = ({ n, chosen, rejected }: CuePairs): { chosen: Tensor2D; rejected: Tensor2D } => ({
  chosen: tensor2d(chosen, [n, cueSizes.observed]),
  rejected: tensor2d(rejected, [n, cueSizes.observed]),
});

/** Rewards of observations [n·64]. */
export function score(params: Params, observations: Float32Array): Float32Array {
  const n = observations.length / cueSizes.observed;
  const found = tidy(() => scores(params, tensor2d(observations, [n, cueSizes.observed])));
  const values = found.dataSync() as Float32Array;
  found.dispose();
  return values;
}

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
