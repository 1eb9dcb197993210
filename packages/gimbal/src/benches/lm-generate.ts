// Greedy generation with a cache of keys and values, against a PyTorch loop written for it.
import { decodeTokens, padBatch } from '@gimbal/language-models';
import { rng, withPrecision } from '@gimbal/tensor-core';
import type { Peer } from '../bench/peer.ts';
import { compare } from '../bench/row.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { gpt2Sizes, LmTraining, randomIds } from './internal/lm-workload.ts';

type Precision = 'float32' | 'bf16';

const promptTokens = 32;
const newTokens = 64;

export const suite = defineSuite({
  name: 'lm-generate',
  summary: 'greedy generation of 64 tokens with a KV cache',
  async *run(context) {
    const peer = await context.peer('lm_generate.py');
    const goals = { float32: 2.5, bf16: 4 };
    for (const precision of ['float32', 'bf16'] as const) {
      if (precision === 'bf16' && !context.bf16) continue;
      yield await generation(context, peer, 32, precision, goals[precision]);
      yield await generation(context, peer, 1, precision, null);
    }
  },
});

async function generation(
  context: SuiteContext,
  peer: Peer | undefined,
  rows: number,
  precision: Precision,
  goal: number | null,
): Promise<BenchRow> {
  using training = new LmTraining(gpt2Sizes, context.options.seed);
  const { model, params } = training;
  const prompts = padBatch(
    randomIds(gpt2Sizes, rows, promptTokens, context.options.seed).map((ids) => Int32Array.from(ids)),
    0,
  );
  using _packed = withPrecision(precision, () => model.pack(params));
  const write = async (): Promise<void> => {
    const steps = decodeTokens(model, params, prompts, { maxNewTokens: newTokens, temperature: 0, rng: rng(0) });
    for await (const _ of steps); // all of them
  };
  return await compare(context, {
    name: `batch ${rows}, ${precision}${precision === 'bf16' ? ' products (peer: float32)' : ''}`,
    unit: 'ms',
    value: (seconds) => seconds * 1e3,
    goal,
    work: async (calls) => {
      for (let i = 0; i < calls; i++) await withPrecision(precision, write);
    },
    against: { peer, case: 'generate', arguments: { ...gpt2Sizes, rows, promptTokens, newTokens } },
    sampling: { rounds: 11, roundSeconds: 0.5, budgetSeconds: 25, warmSeconds: 2 },
  });
}
