// Tabular Nash-MD: 10,000 iterations on one game, against the same loop in NumPy and against what is allowed.
import { preferenceGames, regularizedGame, solveBatch, stackGames } from '@gimbal/nash-md';
import { rng } from '@gimbal/tensor-core';
import { countHostKernels } from '../bench/host-kernels.ts';
import { compare, known } from '../bench/row.ts';
import { ours } from '../bench/sampler.ts';
import { defineSuite } from '../bench/suite.ts';

const steps = 10_000;
const tau = 0.1;
/** seconds allowed for 100 responses */
const allowed = 0.2;

export const suite = defineSuite({
  name: 'nash-md',
  summary: 'tabular Nash-MD on games of 3 to 100 responses',
  async *run(context) {
    const peer = await context.peer('nash_md.py');
    for (const n of [3, 10, 100]) {
      const P = preferenceGames.random(n, rng(context.options.seed).split(n));
      const batch = stackGames([regularizedGame(P, tau)]);
      const work = (calls: number): void => {
        for (let i = 0; i < calls; i++) solveBatch(batch, { solver: 'nash-md', steps });
      };
      yield await compare(context, {
        name: `${steps} iterations, ${n} responses`,
        unit: 'ms',
        value: (seconds) => seconds * 1e3,
        goal: n <= 10 ? 20 : null,
        work,
        against: { peer, case: 'nash-md', arguments: { preferences: Array.from(P.p), responses: n, tau, steps } },
        sampling: { rounds: 9, roundSeconds: 0.1, budgetSeconds: 20 },
      });
      if (n !== 100) continue;
      const { value, hostKernels } = await countHostKernels(() =>
        context.sampler.interleave([ours(work)], { rounds: 5, roundSeconds: 0.1, budgetSeconds: 5 }),
      );
      yield known({
        name: `${steps} iterations, ${n} responses (peer: what is allowed)`,
        unit: 's',
        ours: value[0]?.median ?? Number.NaN,
        peer: allowed,
        goal: 1,
        hostKernels,
      });
    }
  },
});
