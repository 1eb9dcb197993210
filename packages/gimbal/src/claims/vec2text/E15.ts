// Deciding in vector space: eight contexts, 19,200 scored sentences for each method.
import { defineClaim } from '../../reproduce/claim.ts';
import {
  type Curve,
  crossEntropyMethod,
  type Outcome,
  tokenPolicyGradient,
  vectorPolicyGradient,
} from './internal/agents.ts';
import { contextParams } from './internal/context-model.ts';
import { modelOf } from './internal/experiment.ts';
import { Gates, short } from './internal/measured.ts';
import { decisionTask } from './internal/task.ts';

const learningRates = [3e-4, 1e-3, 3e-3] as const;
const line = (curve: Curve): string => curve.map(({ reward }) => short(reward)).join(' ');

export const claim = defineClaim({
  id: 'E15',
  claim:
    'decisions taken as vectors solve a task that the same decoder, acting by tokens, does not solve with as many rewards',
  paper: 'the purpose of the control space; no such task there (ours)',
  wanted:
    'greedy reward after 19,200 episodes: PG ≥ .80, CEM ≥ .90, best token ≤ .70, PG − token ≥ .20; targets fully met: PG ≥ .60, token ≤ .30',
  seeds: [0, 1, 2],
  async run(c) {
    const { signal } = c;
    const found: { pg: Outcome; cem: Outcome; token: Outcome; tokenMet: number }[] = [];
    const curves: string[] = [];
    for (const seed of c.seeds) {
      const task = decisionTask(seed);
      const model = await modelOf({ objective: 'rtt', seed }, c);
      const pg = await vectorPolicyGradient(model, task, seed, signal);
      c.note(`E15 seed ${seed}, policy gradient on vectors: ${line(pg.curve)}`);
      const cem = await crossEntropyMethod(model, task, seed, signal);
      c.note(`E15 seed ${seed}, cross-entropy method: ${short(cem.reward)}`);
      const start = await contextParams(seed, c);
      const tries = [];
      for (const learningRate of learningRates) {
        const one = await tokenPolicyGradient(start, task, { seed, learningRate, signal });
        c.note(`E15 seed ${seed}, tokens, learning rate ${learningRate}: ${line(one.curve)}`);
        tries.push({ ...one, learningRate });
      }
      const token = tries.reduce((a, b) => (b.reward > a.reward ? b : a));
      // each the best that any rate comes to, though another rate's
      found.push({ pg, cem, token, tokenMet: Math.max(...tries.map(({ met }) => met)) });
      curves.push(
        `seed ${seed}: PG ${line(pg.curve)}, token ${line(token.curve)} (learning rate ${token.learningRate})`,
      );
    }
    const measured = new Gates(c.seeds, found)
      .number('PG', (f) => f.pg.reward, { least: 0.8 })
      .number('CEM', (f) => f.cem.reward, { least: 0.9 })
      .number('best token', (f) => f.token.reward, { most: 0.7 })
      .number('PG − token', (f) => f.pg.reward - f.token.reward, { least: 0.2 })
      .number('PG fully met', (f) => f.pg.met, { least: 0.6 })
      .number('token fully met', (f) => f.tokenMet, { most: 0.3 })
      .result();
    const price = 'the decoder saw 320,000 sentences, the language model 96,000, without rewards';
    return { ...measured, measured: `${measured.measured}; at 2.4k/4.8k/9.6k/19.2k ${curves.join('; ')}; ${price}` };
  },
});
