// More of the student's own completions, more is learnt.
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { arithmeticSetup, protocol } from './G4.ts';
import { compare, type Method } from './internal/toy-lab.ts';

const lambdas = [0, 0.25, 0.5, 0.75, 1] as const;

export const claim = defineClaim({
  id: 'G5',
  claim: 'exact match on arithmetic grows with λ, the share of completions that the student writes itself',
  paper: 'figure 8, GSM8K: gains rise with the student’s share beyond .25',
  wanted: `means non-decreasing over λ 0, .25, .5, .75, 1, within .03; λ 1 − λ 0 ≥ .4; a coin for each completion; ${protocol}`,
  seeds: [0, 1, 2, 3, 4],
  async run(context) {
    const of = Object.fromEntries(lambdas.map((lambda) => [`λ ${lambda}`, ofShare(lambda)]));
    const found = await compare(arithmeticSetup, of, context, 'G5');
    const means = lambdas.map((lambda) => mean((found[`λ ${lambda}`] ?? []).map(({ score }) => score)));
    const checks = new Checks();
    for (const [i, x] of means.entries())
      if (i > 0) checks.least(`λ ${lambdas[i]}`, x, (means[i - 1] as number) - 0.03);
    checks.least('λ 1 − λ 0', (means.at(-1) as number) - (means[0] as number), 0.4);
    return checks.result(`exact match ${means.map((x) => x.toFixed(2)).join(' ')}`);
  },
});

/** as the methods of G4 are written, so that those are not trained again */
const ofShare = (lambda: number): Method => (lambda === 0 ? { objective: 'fkl' } : { objective: 'fkl', lambda });
