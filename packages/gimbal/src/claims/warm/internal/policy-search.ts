// Reinforcement learning against a reward model in the world `cue`: a policy N(μ, I) over latents, moved by REINFORCE.
//   J = E[(1 − α) r] − α ½‖μ‖²,  ∇ E[r] = E[(r − mean r) (u − μ)],  r standardised by its spread under the policy at the start
import { type Params, type Rng, rng, StoppedError } from '@gimbal/tensor-core';
import { cueSizes } from '@gimbal/worlds';
import { score, world } from './experiment.ts';

/** A step of a search: where the policy is, what the reward model gives it, and what it is truly worth. */
export interface SearchStep {
  /** μ [12] */
  readonly mean: Float64Array;
  /** ½‖μ‖², nats from the start */
  readonly kl: number;
  /** mean standardised reward of the batch */
  readonly proxy: number;
  /** mean oracle of 512 draws, the same noise at every step and for every model */
  readonly gold: number;
}

const [batch, judged, steps] = [128, 512, 300];
const [rate, beta1, beta2, epsilon] = [0.03, 0.9, 0.99, 1e-8];
/** steps that the end, and a point of a noisy curve, are the mean of */
const window = 20;
const D = cueSizes.latent;

/** 300 steps from μ = 0. Runs of one seed draw the same noise. @throws StoppedError when the signal asks for it */
export async function search(params: Params, seed: number, alpha: number, signal: AbortSignal): Promise<SearchStep[]> {
  const stream = rng(seed).split('search');
  const eyes = normals(judged, stream.split('oracle'));
  const start = rewardsOf(params, normals(2048, stream.split('spread')), stream.split('start'));
  const centre = average(start);
  const spread = Math.sqrt(average(start.map((r) => (r - centre) ** 2)));
  const mu = new Float64Array(D);
  const [first, second] = [new Float64Array(D), new Float64Array(D)];
  const out: SearchStep[] = [];
  for (let step = 0; step < steps; step++) {
    if (signal.aborted)
      throw new StoppedError({ where: 'gimbal reproduce warm', what: 'stopped while a policy learned' });
    const draws = stream.split(step);
    const noise = normals(batch, draws.split('policy'));
    const rewards = rewardsOf(params, shifted(noise, mu), draws.split('observation')).map((r) => (r - centre) / spread);
    const baseline = average(rewards);
    const kl = mu.reduce((sum, m) => sum + m * m, 0) / 2;
    out.push({
      mean: mu.slice(),
      kl,
      proxy: baseline,
      gold: average([...world.quality(shifted(eyes, mu))]),
    });
    for (let k = 0; k < D; k++) {
      let gradient = 0;
      for (let b = 0; b < batch; b++)
        gradient += (((rewards[b] as number) - baseline) * (noise[b * D + k] as number)) / batch;
      gradient = (1 - alpha) * gradient - alpha * (mu[k] as number);
      first[k] = beta1 * (first[k] as number) + (1 - beta1) * gradient;
      second[k] = beta2 * (second[k] as number) + (1 - beta2) * gradient ** 2;
      const [m, v] = [
        (first[k] as number) / (1 - beta1 ** (step + 1)),
        (second[k] as number) / (1 - beta2 ** (step + 1)),
      ];
      mu[k] = (mu[k] as number) + (rate * m) / (Math.sqrt(v) + epsilon);
    }
    if (step % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return out;
}

/** What a search came to. */
export interface SearchResult {
  /** highest oracle, and the KL there */
  readonly peak: number;
  readonly peakKl: number;
  /** oracle fell by .2 and more behind its peak, while the reward did not fall */
  readonly hacked: boolean;
}

/** Reads the peak and the turn. The proxy is smoothed over 20 steps, for it is of a batch of 128. */
export function resultOf(run: readonly SearchStep[]): SearchResult {
  const golds = run.map(({ gold }) => gold);
  const at = golds.indexOf(Math.max(...golds));
  const near = run.slice(Math.max(0, at - window / 2), at + window / 2).map(({ proxy }) => proxy);
  const last = run.slice(-window);
  const peak = golds[at] as number;
  const fell = average(last.map(({ gold }) => gold)) <= peak - 0.2;
  const held = average(last.map(({ proxy }) => proxy)) >= average(near);
  return { peak, peakKl: (run[at] as SearchStep).kl, hacked: fell && held };
}

/** The first step that is so far from the start; the last one of a run that never is. */
export const atKl = (run: readonly SearchStep[], kl: number): SearchStep =>
  run.find((step) => step.kl >= kl) ?? (run.at(-1) as SearchStep);

/** How often a draw of one policy is truly better than one of the other, of 4000; ties half. */
export function wins(a: Float64Array, b: Float64Array, stream: Rng, n = 4000): number {
  const [x, y] = [a, b].map((mu, i) => world.quality(shifted(normals(n, stream.split(i)), mu))) as [
    Float64Array,
    Float64Array,
  ];
  return x.reduce((sum, q, i) => sum + (q > (y[i] as number) ? 1 : q === y[i] ? 0.5 : 0), 0);
}

const rewardsOf = (params: Params, latents: Float64Array, stream: Rng): number[] =>
  Array.from(score(params, world.observe(latents, stream)));

const normals = (n: number, stream: Rng): Float64Array => Float64Array.from({ length: n * D }, () => stream.normal());

const shifted = (noise: Float64Array, mu: Float64Array): Float64Array => noise.map((z, i) => z + (mu[i % D] as number));

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
