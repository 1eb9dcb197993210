// A claim about returns in training: ours beside Stable-Baselines3's with equal settings, whose curves are kept.
import { join } from 'node:path';
import { writeFileAtomic } from '@gimbal/tensor-core';
import type { ClaimContext, Measurement } from '../../../reproduce/claim.ts';
import { meanOf } from './agents.ts';
import { type Curve, lastFifth, type ReturnsRun, trainingReturns } from './returns.ts';
import { returnsSvg } from './returns-svg.ts';
import { Checks } from './tabular.ts';

/** Curves by environment, one a seed. */
export type PeerCurves = { readonly [env: string]: readonly Curve[] };

/**
 * Trains on each environment of the peer's, and draws both sides' curves.
 * @returns holds if our mean of the last fifth is, everywhere, at least theirs less their standard deviation over seeds
 */
export async function besideStableBaselines(
  { algorithm, steps }: Pick<ReturnsRun, 'algorithm' | 'steps'>,
  peers: PeerCurves,
  { seeds, dir, signal, note }: ClaimContext,
): Promise<Measurement> {
  const checks = new Checks();
  const parts: string[] = [];
  for (const [env, peer] of Object.entries(peers)) {
    const ours: Curve[] = [];
    for (const seed of seeds) {
      const curve = await trainingReturns({ algorithm, env, steps, seed }, dir, signal);
      ours.push(curve);
      note(`${algorithm} on ${env}, seed ${seed}: ${lastFifth(curve).toFixed(0)}`);
    }
    const [mine, theirs] = [ours.map(lastFifth), peer.map(lastFifth)];
    const [mean, other, spread] = [meanOf(mine), meanOf(theirs), sampleDeviation(theirs)];
    const list = (values: readonly number[]): string => values.map((x) => x.toFixed(0)).join(', ');
    parts.push(`${env} ${mean.toFixed(0)} (${list(mine)}) beside ${other.toFixed(0)} ± ${spread.toFixed(0)}`);
    checks.expect(`${env}: ${mean}, wanted ${other - spread}`, mean >= other - spread);
    const picture = returnsSvg(`${algorithm} on ${env}`, steps, ours, peer);
    await writeFileAtomic(join(dir, `returns-${env}.svg`), picture);
  }
  return checks.result(parts.join('; '));
}

const sampleDeviation = (x: readonly number[]): number =>
  Math.sqrt(x.reduce((sum, v) => sum + (v - meanOf(x)) ** 2, 0) / (x.length - 1));
