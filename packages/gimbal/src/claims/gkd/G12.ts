// The arithmetic with a teacher that was learned, and is less sure on prefixes that it never saw.
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean, signed } from '../../reproduce/verdict.ts';
import { arithmeticSetup, protocol } from './G4.ts';
import { learnedText } from './internal/learned-teacher.ts';
import { compare, methods, teacherOf } from './internal/toy-lab.ts';

export const claim = defineClaim({
  id: 'G12',
  claim: 'with a learned teacher on-policy distillation still beats supervised KD on the arithmetic, by less',
  paper: 'figure 7: its teachers are learned',
  wanted: `exact match, on-policy fkl − supervised KD reported, .10 expected in the mean; teacher of two layers that learned to be right in 99 %, or as far as it came; ${protocol}`,
  fullOnly: true,
  seeds: [0, 1, 2],
  fullSeeds: [0, 1, 2, 3, 4],
  async run(context) {
    const setup = { ...arithmeticSetup, teacher: 'learned' } as const;
    const { seqkd, supervised, imitkd, fkl } = methods;
    const found = await compare(setup, { seqkd, supervised, imitkd, fkl }, context, 'G12');
    const gap = found.fkl.map(({ score }, i) => score - (found.supervised[i]?.score ?? Number.NaN));
    const means = Object.entries(found).map(([name, all]) => `${name} ${mean(all.map((s) => s.score)).toFixed(2)}`);
    const teacher = learnedText(await teacherOf(setup, context.signal));
    return {
      measured: `${means.join(', ')}; gap ${signed(mean(gap))}; ${teacher}`,
      verdict: 'reported',
      ...intervalOf(gap),
    };
  },
});
