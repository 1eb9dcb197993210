// Translation between two toy languages, into one of two registers that must not be mixed.
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean } from '../../reproduce/verdict.ts';
import { gainText } from './internal/gain.ts';
import { compare, methods, type Student, startsOf, type ToySetup } from './internal/toy-lab.ts';

export const translationSetup: ToySetup = {
  ...{
    task: 'mini',
    width: 24,
    prompts: 40,
    batchSize: 32,
    start: 200,
    steps: 300,
    learningRate: { start: 1e-2, distil: 1e-2 },
  },
};

export const claim = defineClaim({
  id: 'G9',
  claim:
    'translation: a student distilled on its own completions writes more valid sentences than one on fixed ones; JSD(.9) makes it surer of them than forward KL',
  paper:
    'figure 6, WMT14 en→de: on-policy best, +.85 BLEU; +53 % over ImitKD, +162 % over f-distill; gain over the student 1.7 × that of supervised KD',
  wanted:
    'greedy validity, on-policy fkl − the best of SFT, SeqKD and supervised KD ≥ .2 each, ≥ .3 in the mean; − ImitKD ≥ .02 in the mean; entropy of JSD(.9) below that of fkl each; first weights as in G4, rates of 1e-2: the miniature’s description states none, chosen on other seeds',
  seeds: [0, 1, 2],
  fullSeeds: [0, 1, 2, 3, 4],
  async run(context) {
    const { sft, seqkd, supervised, imitkd, fkl, 'jsd:0.1': low, 'jsd:0.9': high, rkl } = methods;
    const chosen = { sft, seqkd, supervised, imitkd, fkl, 'JSD(.1)': low, 'JSD(.9)': high, rkl };
    const found = await compare(translationSetup, chosen, context, 'G9');
    const gap = found.fkl.map(
      ({ score }, i) =>
        score - Math.max(...[found.sft, found.seqkd, found.supervised].map((all) => (all[i] as Student).score)),
    );
    const of = (all: readonly Student[]): number => mean(all.map(({ score }) => score));
    const checks = new Checks();
    for (const [i, x] of gap.entries()) checks.least(`gap, seed ${context.seeds[i]}`, x, 0.2);
    checks.least('gap', mean(gap), 0.3);
    checks.least('gap to ImitKD', of(found.fkl) - of(found.imitkd), 0.02);
    const entropies = found.fkl.map(({ entropy }, i) => [(found['JSD(.9)'][i] as Student).entropy, entropy] as const);
    for (const [i, [sure, unsure]] of entropies.entries())
      checks.least(`entropy, fkl − JSD(.9), seed ${context.seeds[i]}`, unsure - sure, 1e-9);
    const start = await startsOf(translationSetup, context);
    const gains = gainText({ method: found.fkl, supervised: found.supervised, start }, '1.7');
    const list = Object.entries({ start, ...found }).map(
      ([name, all]) => `${name} ${all.map(({ score }) => score.toFixed(2)).join(' ')}`,
    );
    const entropy = entropies.map(([a, b]) => `${a.toFixed(2)} < ${b.toFixed(2)}`).join(', ');
    return { ...checks.result(`valid: ${list.join('; ')}; entropy ${entropy}; ${gains}`), ...intervalOf(gap) };
  },
});
