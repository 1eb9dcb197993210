// PPO's returns on MuJoCo beside Stable-Baselines3's with equal settings, whose curves are kept (internal/sb3-returns.ts).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { meanOf } from './internal/agents.ts';
import { lastFifth, trainingReturns } from './internal/returns.ts';
import { returnsSvg } from './internal/returns-svg.ts';
import { sb3Returns } from './internal/sb3-returns.ts';
import { Checks } from './internal/tabular.ts';

const steps = 300_000;

export const claim = defineClaim({
  id: 'C14',
  claim: 'PPO on Hopper, HalfCheetah and Walker2d returns what Stable-Baselines3 returns with equal settings',
  paper: 'not of the paper: Stable-Baselines3 2.9.2, 300k steps, 3 seeds, curves kept with the script that made them',
  wanted: 'last fifth of training: our mean ≥ its mean − its standard deviation over seeds',
  fullOnly: true,
  seeds: [1, 2, 3],
  async run({ seeds, dir, signal, note }) {
    const checks = new Checks();
    const parts: string[] = [];
    await mkdir(dir, { recursive: true });
    for (const [env, peer] of Object.entries(sb3Returns)) {
      const ours: (number | null)[][] = [];
      for (const seed of seeds) ours.push(await trainingReturns(env, steps, seed, signal));
      const [mine, theirs] = [ours.map(lastFifth), peer.map(lastFifth)];
      const [mean, other, spread] = [meanOf(mine), meanOf(theirs), sampleDeviation(theirs)];
      const list = (values: readonly number[]): string => values.map((x) => x.toFixed(0)).join(', ');
      const text = `${env} ${mean.toFixed(0)} (${list(mine)}) beside ${other.toFixed(0)} ± ${spread.toFixed(0)}`;
      note(`C14: ${text}`);
      parts.push(text);
      checks.expect(`${env}: ${mean}, wanted ${other - spread}`, mean >= other - spread);
      await writeFileAtomic(join(dir, `returns-${env}.svg`), returnsSvg(env, steps, ours, peer));
    }
    return checks.result(parts.join('; '));
  },
});

const sampleDeviation = (x: readonly number[]): number =>
  Math.sqrt(x.reduce((sum, v) => sum + (v - meanOf(x)) ** 2, 0) / (x.length - 1));
