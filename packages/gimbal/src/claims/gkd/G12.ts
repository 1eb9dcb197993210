// The arithmetic with a teacher that was learned, and is less sure on prefixes that it never saw.
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean, signed } from '../../reproduce/verdict.ts';
import { arithmeticSetup, protocol } from './G4.ts';
import { compare, methods } from './internal/toy-lab.ts';

export const claim = defineClaim({
  id: 'G12',
  claim: 'with a learned teacher on-policy distillation still beats supervised KD on the arithmetic, by less',
  paper: 'figure 7: its teachers are learned',
  wanted: `exact match, on-policy fkl − supervised KD reported, .10 expected in the mean; teacher of two layers, ≥ 99 % right; ${protocol}`,
  fullOnly: true,
  seeds: [0, 1, 2],
  async run(context) {
    const setup = { ...arithmeticSetup, teacher: 'learned' } as const;
    const { seqkd, supervised, imitkd, fkl } = methods;
    const found = await compare(setup, { seqkd, supervised, imitkd, fkl }, context, 'G12');
    const gap = found.fkl.map(({ score }, i) => score - (found.supervised[i]?.score ?? Number.NaN));
    const means = Object.entries(found).map(([name, all]) => `${name} ${mean(all.map((s) => s.score)).toFixed(2)}`);
    return { measured: `${means.join(', ')}; gap ${signed(mean(gap))}`, verdict: 'reported', ...intervalOf(gap) };
  },
});
