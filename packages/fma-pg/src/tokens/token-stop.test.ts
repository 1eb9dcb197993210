// What a signal does to a run on tokens, and how its first steps are warmed up.
import { type Params, StoppedError, type TokenPolicy, useBackend } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { tokenOptions } from '../../test/fixtures/token-options.ts';
import { tokenTable } from '../../test/fixtures/token-table.ts';
import { type TokenPolicyOptions, type TokenPolicyStep, TokenPolicyTrainer } from '../index.ts';

beforeAll(() => useBackend('auto'));

const numbers = (params: Params): number[] => [...(params.logits as Tensor).dataSync<'float32'>()];

async function steps(trainer: TokenPolicyTrainer, to: number): Promise<TokenPolicyStep[]> {
  const out: TokenPolicyStep[] = [];
  for await (const step of trainer.train({ steps: to })) out.push(step);
  return out;
}

test('stopped while it samples, a run is as it was after its last step, and goes on as if nothing had been', async () => {
  using whole = new TokenPolicyTrainer(tokenOptions());
  const expected = await steps(whole, 4);
  const table = tokenTable({ vocabulary: 4, length: 3 });
  const controller = new AbortController();
  let calls = 0;
  const policy: TokenPolicy = {
    ...table,
    sample: async (params, prompts, o) => {
      if (++calls === 3) controller.abort();
      // what a policy does between two tokens
      if (o.signal?.aborted) throw new StoppedError({ where: 'sample', what: 'stopped after 1 of 3 tokens' });
      return table.sample(params, prompts, o);
    },
  };
  using trainer = new TokenPolicyTrainer(tokenOptions({ policy }));
  const done: TokenPolicyStep[] = [];
  let after: number[] = [];
  const run = trainer.train({ steps: 4, signal: controller.signal });
  for (;;) {
    const { done: ended, value } = await run.next();
    if (ended) {
      expect(value).toEqual({ aborted: true });
      break;
    }
    done.push(value);
    after = numbers(trainer.params);
  }
  expect([calls, trainer.step, done.length]).toEqual([3, 2, 2]);
  expect(numbers(trainer.params)).toEqual(after);
  expect([...done, ...(await steps(trainer, 4))]).toEqual(expected);
});

test('a sampler that fails for another reason is heard, and nothing has changed', async () => {
  const table = tokenTable({ vocabulary: 4, length: 3 });
  let calls = 0;
  const policy: TokenPolicy = {
    ...table,
    sample: async (...x) => {
      if (++calls === 2) throw new Error('no sampler');
      return table.sample(...x);
    },
  };
  using whole = new TokenPolicyTrainer(tokenOptions());
  const expected = await steps(whole, 2);
  using trainer = new TokenPolicyTrainer(tokenOptions({ policy }));
  await expect(steps(trainer, 2)).rejects.toThrow('no sampler');
  expect(trainer.step).toBe(1);
  expect(await steps(trainer, 2)).toEqual(expected.slice(1));
});

test('warm-up by the rate reaches it in its last step; a frozen policy moves in the step after', async () => {
  const rates = async (
    policyWarmup: NonNullable<TokenPolicyOptions['policyWarmup']>,
  ): Promise<[number[], boolean[]]> => {
    using trainer = new TokenPolicyTrainer(tokenOptions({ learningRate: 0.1, policyWarmup }));
    let before = numbers(trainer.params);
    const moved: boolean[] = [];
    const all: number[] = [];
    for await (const { learningRate } of trainer.train({ steps: 4 })) {
      const now = numbers(trainer.params);
      moved.push(now.some((x, i) => x !== before[i]));
      all.push(learningRate);
      before = now;
    }
    return [all, moved];
  };
  const [rising, moved] = await rates({ steps: 2, mode: 'lr' });
  expect(rising).toEqual([0.05, 0.1, 0.1, 0.1].map((x) => expect.closeTo(x, 12)));
  expect(moved).toEqual([true, true, true, true]);
  expect(await rates({ steps: 2, mode: 'freeze' })).toEqual([
    [0, 0, 0.1, 0.1],
    [false, false, true, true],
  ]);
});
