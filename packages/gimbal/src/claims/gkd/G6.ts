// More prompts: where on-policy students solve the task, and what a third of the prompts fewer are worth.
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { arithmeticSetup, protocol } from './G4.ts';
import { compare, methods, type Student } from './internal/toy-lab.ts';

export const claim = defineClaim({
  id: 'G6',
  claim:
    'with half as many prompts again on-policy students solve the arithmetic; on-policy with 100 prompts is as good as supervised KD with 150',
  paper:
    'figure 3, XSum: on-policy with 5 % of the prompts beats supervised KD and ImitKD with all; here the direction, not the 5 %',
  wanted: `on-policy fkl and JSD(.5) ≥ .93; fkl − supervised KD ≥ .05 each; supervised KD − SeqKD ≥ .2; on-policy of 100 prompts ≥ supervised KD of 150; ${protocol}`,
  seeds: [0, 1, 2],
  fullSeeds: [0, 1, 2, 3, 4],
  async run(context) {
    const setup = { ...arithmeticSetup, prompts: 150, start: 500 };
    const { sft, seqkd, supervised, fkl, 'jsd:0.5': jsd, rkl } = methods;
    const found = await compare(setup, { sft, seqkd, supervised, fkl, 'JSD(.5)': jsd, rkl }, context, 'G6');
    const fewer = await compare(arithmeticSetup, { fkl }, context, 'G6, 100 prompts');
    const of = (all: readonly Student[]): number => mean(all.map(({ score }) => score));
    const checks = new Checks();
    checks.least('on-policy fkl', of(found.fkl), 0.93);
    checks.least('on-policy JSD(.5)', of(found['JSD(.5)']), 0.93);
    for (const [i, { score }] of found.fkl.entries())
      checks.least(
        `fkl − supervised KD, seed ${context.seeds[i]}`,
        score - (found.supervised[i] as Student).score,
        0.05,
      );
    checks.least('supervised KD − SeqKD', of(found.supervised) - of(found.seqkd), 0.2);
    checks.least('on-policy of 100 prompts − supervised KD of 150', of(fewer.fkl) - of(found.supervised), 0);
    const list = Object.entries(found).map(([name, all]) => `${name} ${of(all).toFixed(2)}`);
    return checks.result(`${list.join(', ')}; on-policy of 100 prompts ${of(fewer.fkl).toFixed(2)}`);
  },
});
