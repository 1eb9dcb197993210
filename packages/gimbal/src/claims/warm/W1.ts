// Linear mode connectivity: accuracy of interpolated weights against the interpolation of accuracies.
import { lmcCurve } from '@gimbal/reward-models';
import type { Params } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { margins, membersOf, pairsOf } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W1',
  claim: 'accuracy of interpolated weights is at or above the interpolation of accuracies, out of distribution',
  paper: 'observation 1, figure 3',
  wanted: 'WA − Diag ≥ −.005 at λ = ½, and ≥ 0 on average over λ = ¼, ½, ¾; members 1 and 2, 25 % of labels swapped',
  seeds: [0, 1, 2, 3],
  async run({ seeds, signal }) {
    const [half, average]: [number[], number[]] = [[], []];
    for (const seed of seeds) {
      const [a, b] = (await membersOf(seed, { config: 'S', swap: 0.25 }, signal)) as [Params, Params];
      const { test } = pairsOf(seed, 0.25);
      const gains: number[] = [];
      for await (const { wa, diag } of lmcCurve(async (p) => margins(p, test), a, b, [0.25, 0.5, 0.75]))
        gains.push(wa - diag);
      half.push(gains[1] as number);
      average.push(mean(gains));
    }
    const text = `WA − Diag ${signed(mean(half))} at ½, ${signed(mean(average))} on average`;
    return verdict(text, half, { 'λ = ½': mean(half) >= -0.005, average: mean(average) >= 0 });
  },
});
