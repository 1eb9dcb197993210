// Where the gap closes.
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { arithmeticSetup, protocol } from './G4.ts';
import { compare, methods } from './internal/toy-lab.ts';

export const claim = defineClaim({
  id: 'G7',
  claim: 'with prompts enough to cover the task every method solves it: the gap is one of coverage',
  paper: 'not in the paper: its tasks are never covered',
  wanted: `exact match ≥ .92 for SFT, SeqKD, supervised KD, ImitKD, f-distill and on-policy fkl, 600 prompts; ${protocol}`,
  seeds: [0, 1, 2],
  fullSeeds: [0, 1, 2, 3, 4],
  async run(context) {
    const setup = { ...arithmeticSetup, prompts: 600, start: 600 };
    const { sft, seqkd, supervised, imitkd, fkl, 'f-distill': fdistill } = methods;
    const found = await compare(setup, { sft, seqkd, supervised, imitkd, 'f-distill': fdistill, fkl }, context, 'G7');
    const checks = new Checks();
    const means = Object.entries(found).map(([name, all]) => [name, mean(all.map(({ score }) => score))] as const);
    for (const [name, x] of means) checks.least(name, x, 0.92);
    return checks.result(means.map(([name, x]) => `${name} ${x.toFixed(2)}`).join(', '));
  },
});
