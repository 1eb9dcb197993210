// A claim about returns in training: ours beside Stable-Baselines3's with equal settings, whose curves are kept.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@gimbal/tensor-core';
import type { ClaimContext, Measurement } from '../../../reproduce/claim.ts';
import { meanOf } from './agents.ts';
import { type Curve, lastFifth, type ReturnsRun, trainingReturns } from './returns.ts';
import { returnsSvg } from './returns-svg.ts';
import { Checks } from './tabular.ts';

/** Their curves by environment, one a seed; undefined where none were made. */
export type PeerCurves = { readonly [env: string]: readonly Curve[] | undefined };

/**
 * Trains on each environment, and draws both sides' curves.
 * @param seedsOf our seeds on an environment; default: the claim's
 * @returns holds if our mean of the last fifth is, wherever there are curves of theirs, at least theirs less their
 * standard deviation over seeds; reported if there are none
 */
export async function besideStableBaselines(
  { algorithm, steps }: Pick<ReturnsRun, 'algorithm' | 'steps'>,
  peers: PeerCurves,
  { seeds, dir, signal, note }: ClaimContext,
  seedsOf: (env: string) => readonly number[] = () => seeds,
): Promise<Measurement> {
  const checks = new Checks();
  const parts: string[] = [];
  await mkdir(dir, { recursive: true });
  for (const [env, peer] of Object.entries(peers)) {
    const ours: Curve[] = [];
    for (const seed of seedsOf(env)) {
      const curve = await trainingReturns({ algorithm, env, steps, seed }, dir, signal);
      ours.push(curve);
      note(`${algorithm} on ${env}, seed ${seed}: ${lastFifth(curve).toFixed(0)}`);
    }
    const mine = ours.map(lastFifth);
    const mean = meanOf(mine);
    const own = `${env} ${mean.toFixed(0)} (${mine.map((x) => x.toFixed(0)).join(', ')})`;
    if (peer === undefined) parts.push(own);
    else {
      const theirs = peer.map(lastFifth);
      const [other, spread] = [meanOf(theirs), sampleDeviation(theirs)];
      parts.push(`${own} beside ${other.toFixed(0)} ± ${spread.toFixed(0)}`);
      checks.expect(`${env}: ${mean}, wanted ${other - spread}`, mean >= other - spread);
    }
    const picture = returnsSvg(`${algorithm} on ${env}`, steps, ours, peer);
    await writeFileAtomic(join(dir, `returns-${env}.svg`), picture);
  }
  const measured = parts.join('; ');
  const isCompared = Object.values(peers).some((peer) => peer !== undefined);
  return isCompared ? checks.result(measured) : { measured, verdict: 'reported' };
}

const sampleDeviation = (x: readonly number[]): number =>
  Math.sqrt(x.reduce((sum, v) => sum + (v - meanOf(x)) ** 2, 0) / (x.length - 1));
