// Which divergence, on the student's own completions, from a weak start.
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { arithmeticSetup, protocol } from './G4.ts';
import { compare, methods } from './internal/toy-lab.ts';

export const claim = defineClaim({
  id: 'G8',
  claim:
    'from a weak start mode-covering divergences do best: where the student gives a token no probability, the others have no gradient',
  paper: 'figure 7, GSM8K: forward or reverse KL best; which is best depends on task and start',
  wanted: `exact match fkl > JSD(.1) > JSD(.5) > JSD(.9) > rkl, each gap ≥ .01, means over seeds; ${protocol}`,
  seeds: [0, 1, 2, 3, 4],
  async run(context) {
    const { fkl, 'jsd:0.1': a, 'jsd:0.5': b, 'jsd:0.9': c, rkl } = methods;
    const found = await compare(arithmeticSetup, { fkl, 'JSD(.1)': a, 'JSD(.5)': b, 'JSD(.9)': c, rkl }, context, 'G8');
    const means = Object.entries(found).map(([name, all]) => [name, mean(all.map(({ score }) => score))] as const);
    const checks = new Checks();
    for (const [i, [name, x]] of means.entries()) {
      const before = means[i - 1];
      if (before !== undefined) checks.least(`${before[0]} − ${name}`, before[1] - x, 0.01);
    }
    return checks.result(means.map(([name, x]) => `${name} ${x.toFixed(3)}`).join(' > '));
  },
});
