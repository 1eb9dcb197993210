// Summaries of the newsroom: a learned teacher, and a reward for saying nothing false.
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean, signed } from '../../reproduce/verdict.ts';
import { gainText } from './internal/gain.ts';
import { learnedText } from './internal/learned-teacher.ts';
import { compare, type Method, methods, type Student, startsOf, type ToySetup, teacherOf } from './internal/toy-lab.ts';

const setup: ToySetup = {
  ...{ task: 'newsroom', layers: 2, width: 48, prompts: 1000, batchSize: 32 },
  ...{ start: 600, steps: 400, learningRate: { start: 3e-3, distil: 1e-3 }, teacher: 'learned' },
};

export const claim = defineClaim({
  id: 'G11',
  claim:
    'summaries: on-policy JSD(.9) tells the headlines, and nothing false, at least as often as distillation on fixed completions; a reward beside it raises faithfulness',
  paper:
    'figures 2 and 5, XSum: on-policy best; with a reward more faithful than the teacher at little loss of ROUGE-2; gain over the student 2.1 × that of supervised KD',
  wanted:
    'reported: exact summaries, faithfulness and ROUGE-2 of each, of the start and of the teacher, which learned to be exact in 99 % or as far as it came; RL beside it, α .25, + .05 faithfulness at ≤ .05 ROUGE-2 expected',
  fullOnly: true,
  seeds: [0, 1, 2, 3, 4],
  async run(context) {
    const { seqkd, supervised, imitkd } = methods;
    const high: Method = methods['jsd:0.9'];
    const of = { seqkd, supervised, imitkd, 'JSD(.9)': high, 'JSD(.9) and reward': { ...high, alpha: 0.25 } };
    const found = await compare(setup, of, context, 'G11');
    const text = (all: readonly Student[]): string =>
      (['score', 'faithful', 'rouge2'] as const).map((key) => mean(all.map((s) => s[key])).toFixed(2)).join('/');
    const raised = found['JSD(.9) and reward'].map((s, i) => s.faithful - (found['JSD(.9)'][i] as Student).faithful);
    const start = await startsOf(setup, context);
    const teacher = await teacherOf(setup, context.signal);
    const all = { teacher: [teacher.own], start, ...found };
    const list = Object.entries(all).map(([name, some]) => `${name} ${text(some)}`);
    const gains = gainText({ method: found['JSD(.9)'], supervised: found.supervised, start }, '2.1');
    return {
      measured: `exact/faithful/ROUGE-2: ${list.join(', ')}; ${learnedText(teacher)}; JSD(.9) ${gains}; the reward raises faithfulness by ${signed(mean(raised))}`,
      verdict: 'reported',
      ...intervalOf(raised),
    };
  },
});
