// Stable-Baselines3's curves of one environment: those kept in this code, those in the claim's folder, and with --peer
// those that are missing, which peers/rl_returns.py adds to the folder seed by seed.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@gimbal/tensor-core';
import type { ClaimContext } from '../../../reproduce/claim.ts';
import { type Curve, points, type ReturnsRun } from './returns.ts';

/** One curve a seed. */
export type SeededCurves = { readonly [seed: string]: Curve };

/**
 * @param peerSeeds its seeds, whichever ours are
 * @param kept of this environment and run, where there are some
 * @returns one curve for each of its seeds; undefined where one is missing
 * @throws DataError for a file of another run; BackendError where --peer was given and its script fails
 */
export async function stableBaselinesCurves(
  run: Pick<ReturnsRun, 'algorithm' | 'env' | 'steps'>,
  peerSeeds: readonly number[],
  kept: SeededCurves | undefined,
  { dir, peer, note }: Pick<ClaimContext, 'dir' | 'peer' | 'note'>,
): Promise<readonly Curve[] | undefined> {
  const { env, steps } = run;
  const algorithm = run.algorithm.toLowerCase();
  const file = join(dir, `${algorithm}-${env}.json`);
  const known = async (): Promise<SeededCurves> => ({ ...(await curvesIn(file, env, steps)), ...kept });
  const missingOf = (curves: SeededCurves): number[] => peerSeeds.filter((seed) => curves[seed] === undefined);
  let curves = await known();
  const missing = missingOf(curves);
  if (missing.length > 0 && peer !== undefined) {
    note(
      `Stable-Baselines3: ${run.algorithm} on ${env}, ${missing.length === 1 ? 'seed' : 'seeds'} ${missing.join(', ')}`,
    );
    await mkdir(dir, { recursive: true });
    const words = { algo: algorithm, env, steps, seeds: missing.join(','), out: file };
    await peer(
      'rl_returns.py',
      Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]),
    );
    curves = await known();
  }
  if (missingOf(curves).length > 0) return undefined;
  return peerSeeds.map((seed) => curves[seed] as Curve);
}

/** What peers/rl_returns.py wrote; nothing where the file is not there. */
async function curvesIn(file: string, env: string, steps: number): Promise<SeededCurves> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return {};
  const found = JSON.parse(text) as { env?: string; steps?: number; curves?: SeededCurves };
  const curves = Object.values(found.curves ?? {});
  if (found.env === env && found.steps === steps && curves.every(({ length }) => length === points))
    return found.curves ?? {};
  const wanted = `curves of ${points} points, ${env}, ${steps} steps`;
  const got = `${curves.map(({ length }) => length).join(', ')} points, ${found.env}, ${found.steps} steps`;
  throw new DataError({ where: file, what: 'no curves to stand beside', got, wanted });
}
