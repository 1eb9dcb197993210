// Tabular Nash-MD: 10,000 iterations on one game, against the same loop in NumPy and against what is allowed; one step of
// Nash-MD on a decoder, against TRL's.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decoder, padBatch, savePretrained } from '@gimbal/language-models';
import { NashMdTrainer, preferenceGames, regularizedGame, solveBatch, stackGames } from '@gimbal/nash-md';
import { disposeTree, rng } from '@gimbal/tensor-core';
import { countHostKernels } from '../bench/host-kernels.ts';
import { compare, known } from '../bench/row.ts';
import { ours } from '../bench/sampler.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { gpt2Sizes, randomIds } from './internal/lm-workload.ts';

const steps = 10_000;
const tau = 0.1;
/** seconds allowed for 100 responses */
const allowed = 0.2;

export const suite = defineSuite({
  name: 'nash-md',
  summary: 'tabular Nash-MD on games of 3 to 100 responses, and a step on a 4-layer decoder',
  async *run(context) {
    const peer = await context.peer('nash_md.py');
    for (const n of [3, 10, 100]) {
      const P = preferenceGames.random(n, rng(context.options.seed).split(n));
      const batch = stackGames([regularizedGame(P, tau)]);
      const work = (calls: number): void => {
        for (let i = 0; i < calls; i++) solveBatch(batch, { solver: 'nash-md', steps });
      };
      yield await compare(context, {
        name: `${steps} iterations, ${n} responses`,
        unit: 'ms',
        value: (seconds) => seconds * 1e3,
        goal: n <= 10 ? 20 : null,
        work,
        against: { peer, case: 'nash-md', arguments: { preferences: Array.from(P.p), responses: n, tau, steps } },
        sampling: { rounds: 9, roundSeconds: 0.1, budgetSeconds: 20 },
      });
      if (n !== 100) continue;
      const { value, hostKernels } = await countHostKernels(() =>
        context.sampler.interleave([ours(work)], { rounds: 5, roundSeconds: 0.1, budgetSeconds: 5 }),
      );
      yield known({
        name: `${steps} iterations, ${n} responses (peer: what is allowed)`,
        unit: 's',
        ours: value[0]?.median ?? Number.NaN,
        peer: allowed,
        goal: 1,
        hostKernels,
      });
    }
    // in plain JavaScript one step takes minutes
    if (context.backend !== 'cpu') yield await modelStep(context);
  },
});

const [rows, promptTokens, newTokens] = [16, 64, 64];

/** Sampling by policy and mixture, log-probabilities of policy and reference, gradient, AdamW; the preference is given. */
async function modelStep(context: SuiteContext): Promise<BenchRow> {
  const peer = await context.peer('nash_md_step.py');
  // TRL's generation without a cache asks for positions behind the last token
  const sizes = { ...gpt2Sizes, contextLength: 256 };
  const model = decoder(sizes);
  const params = model.init(rng(context.options.seed).split('init'));
  const folder = await mkdtemp(join(tmpdir(), 'gimbal-bench-nash-md-'));
  try {
    await savePretrained(join(folder, 'model'), model, params);
    const prompts = randomIds(sizes, rows, promptTokens, context.options.seed);
    const encoded = padBatch(
      prompts.map((ids) => Int32Array.from(ids)),
      0,
    );
    const [mixtureCoef, klCoef, preference] = [0.125, 0.008, 0.7];
    using trainer = new NashMdTrainer({
      ...{ policy: model, params, klCoef, batchSize: rows, maxNewTokens: newTokens, learningRate: 1e-5, seed: 0 },
      prompts: prompts.map((_, i) => `prompt ${i}`),
      codec: { encode: () => encoded, decode: ({ lengths }) => Array.from(lengths, () => '') },
      preference: (_, a) => a.map(() => preference),
      orders: 'one',
      opponent: { kind: 'mixture', mixtureCoef },
    });
    return await compare(context, {
      name: `step on a decoder, ${rows} prompts and completions of ${promptTokens} tokens`,
      unit: 'ms',
      value: (seconds) => seconds * 1e3,
      goal: 2,
      work: async (calls) => {
        await trainer.run({ steps: trainer.step + calls });
      },
      against: {
        peer,
        case: 'nash-md-step',
        arguments: {
          ...{ folder: join(folder, 'model'), prompts, maxNewTokens: newTokens, mixtureCoef, klCoef, preference },
        },
      },
      sampling: { rounds: 5, roundSeconds: 0.5, budgetSeconds: 40 },
    });
  } finally {
    disposeTree(params);
    await rm(folder, { recursive: true });
  }
}
