import { useBackend } from '@gimbal/tensor-core';
import { abs, mul, type Scalar, sqrt, sub, type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import { tokenOptions } from '../../test/fixtures/token-options.ts';
import { tokenTable } from '../../test/fixtures/token-table.ts';
import { type Aggregate, type Surrogate, surrogates, type TokenPolicyStep, TokenPolicyTrainer } from '../index.ts';

beforeAll(() => useBackend('auto'));

/** Two tokens at most, of which 0 ends: completions of unlike length. */
const table = tokenTable({ vocabulary: 3, length: 2, eos: 0 });
const logits = [0.4, -0.3, 0.8, 0.5, 0.1, -0.2, -0.6, 0.2, 0.9, 0.3, 0.3, -0.4];
const klCoef = 0.7;

/** The first step; equal rewards have no advantage, so that k3 alone is the loss. */
async function firstStep(aggregate: Aggregate, batchSize: number, accumulate: number): Promise<TokenPolicyStep> {
  using trainer = new TokenPolicyTrainer(
    tokenOptions({
      ...{ policy: table, codec: table.codec, params: { logits: tensor2d(logits, [4, 3]) }, maxNewTokens: 2 },
      ...{ surrogate: surrogates.ppoClip({ aggregate }), klIn: 'loss', klCoef, baseline: 'batch' },
      ...{ anchor: { params: table.init() }, reward: (_, texts) => texts.map(() => 1), batchSize, accumulate },
    }),
  );
  return (await trainer.run({ steps: 1 })) as TokenPolicyStep;
}

test.each(['token-mean', 'sequence-mean', 'row-mean'] as const)(
  'k3 in the loss is averaged as the surrogate, %s, and micro-batches make no difference',
  async (aggregate) => {
    const whole = await firstStep(aggregate, 24, 1);
    for (const parts of [2, 4, 8]) {
      const step = await firstStep(aggregate, 24 / parts, parts);
      expect(step.loss).toBeCloseTo(whole.loss, 6);
      expect(step.gradNorm).toBeCloseTo(whole.gradNorm, 6);
    }
    // klK3 is the sum over a completion's tokens, averaged over completions: of them, or of each token, or of each mean
    const perRow = klCoef * whole.klK3;
    if (aggregate === 'row-mean') expect(whole.loss).toBeCloseTo(perRow, 5);
    else if (aggregate === 'token-mean') expect(whole.loss).toBeCloseTo(perRow / whole.length, 5);
    else {
      expect(Math.abs(whole.loss - perRow / whole.length)).toBeGreaterThan(1e-4);
      expect(whole.loss).toBeLessThan(perRow);
    }
  },
);

/** Two steps on the table, at completions of unlike length, with rewards that differ. */
const twoSteps = async (
  o: { aggregate: Aggregate; ratioLevel: 'token' | 'sequence' | 'geometric'; klIn: 'reward' | 'loss' },
  parts: number,
): Promise<TokenPolicyStep> => {
  const { aggregate, ratioLevel, klIn } = o;
  using trainer = new TokenPolicyTrainer(
    tokenOptions({
      ...{ policy: table, codec: table.codec, params: { logits: tensor2d(logits, [4, 3]) }, maxNewTokens: 2 },
      ...{ surrogate: surrogates.ppoClip({ aggregate, ratioLevel }), credit: 'sequence', klIn, klCoef },
      ...{ baseline: 'batch', anchor: { params: table.init() }, epochs: 2 },
      // Adam would make steps of the rounding of gradients that are 0
      optimizer: { name: 'sgd' },
      // one of four is not rewarded: rows that weigh nothing are in the micro-batches too
      reward: (_, texts) => texts.map((text, i) => (i % 4 === 3 ? null : text.length)),
      ...{ batchSize: 16 / parts, accumulate: parts },
    }),
  );
  return (await trainer.run({ steps: 2 })) as TokenPolicyStep;
};

test.each(
  (['token', 'sequence', 'geometric'] as const).flatMap((ratioLevel) =>
    (['token-mean', 'sequence-mean', 'row-mean'] as const).flatMap((aggregate) =>
      (['reward', 'loss'] as const).map((klIn) => ({ ratioLevel, aggregate, klIn })),
    ),
  ),
)('4 × 4 completions make the step of 16 × 1: %j', async (o) => {
  const [whole, parts] = [await twoSteps(o, 1), await twoSteps(o, 4)];
  expect(parts.length).toBe(whole.length);
  for (const name of ['loss', 'gradNorm', 'kl', 'klForward', 'clipFraction'] as const)
    expect([name, parts[name]]).toEqual([name, expect.closeTo(whole[name] as number, 5)]);
});

test('beside a ratio of whole completions k3 is that of whole completions: the sum of their tokens', async () => {
  using trainer = new TokenPolicyTrainer(
    tokenOptions({
      ...{ policy: table, codec: table.codec, params: { logits: tensor2d(logits, [4, 3]) }, maxNewTokens: 2 },
      ...{ surrogate: surrogates.ppoClip({ ratioLevel: 'sequence' }), credit: 'sequence', klIn: 'loss', klCoef },
      ...{
        baseline: 'batch',
        anchor: { params: table.init() },
        reward: (_, texts) => texts.map(() => 1),
        batchSize: 24,
      },
    }),
  );
  const step = (await trainer.run({ steps: 1 })) as TokenPolicyStep;
  expect(step.length).toBeGreaterThan(1.2); // a mean over tokens would be another number
  expect(step.loss).toBeCloseTo(klCoef * step.klK3, 5);
});

test('a surrogate whose options change over the run is told how far that is', async () => {
  const clip = surrogates.ppoClip();
  const seen: (number | undefined)[] = [];
  const watched: Surrogate = Object.assign(
    (x: Parameters<Surrogate>[0]) => {
      seen.push(x.progress);
      return clip(x);
    },
    { surrogate: 'watched', options: {} },
  );
  using trainer = new TokenPolicyTrainer(tokenOptions({ surrogate: watched, epochs: 2 }));
  await trainer.run({ steps: 4 });
  expect(seen).toEqual([0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]);
});

test.each([
  [1, 'before this step.'],
  [2, 'before this pass, with the earlier ones of the step in them.'],
])('a loss that is not finite in pass %i says which parameters are left', async (pass, text) => {
  const clip = surrogates.ppoClip();
  let calls = 0;
  const breaking: Surrogate = Object.assign(
    (x: Parameters<Surrogate>[0]) => clip(++calls < pass ? x : { ...x, advantages: mul(x.advantages, Number.NaN) }),
    { surrogate: 'breaking', options: {} },
  );
  using trainer = new TokenPolicyTrainer(tokenOptions({ surrogate: breaking, epochs: 3 }));
  await expect(trainer.run({ steps: 1 })).rejects.toThrow(`The parameters are those ${text}`);
});

test.each<[string, (x: Tensor) => Tensor, string]>([
  ['an infinite gradient of a finite loss', (x) => sqrt(abs(x)), 'the gradient’s norm is not finite; got '],
  ['a loss', (x) => mul(x, Number.NaN), 'the loss is not finite; got NaN'],
])('what is not finite is named: %s', async (_, change, text) => {
  const clip = surrogates.ppoClip();
  const breaking: Surrogate = Object.assign(
    (x: Parameters<Surrogate>[0]) => {
      const { loss, ...rest } = clip(x);
      return { ...rest, loss: change(mul(sub(loss, loss), 1)) as Scalar };
    },
    { surrogate: 'breaking', options: {} },
  );
  using trainer = new TokenPolicyTrainer(tokenOptions({ surrogate: breaking }));
  const error = await trainer.run({ steps: 1 }).catch((e) => e);
  expect(error.message).toContain(text);
  expect(error.message).toMatch(/got (NaN|-?Infinity)\..*Lower the learning rate/);
});

test('rewards that overflow are what is at fault, not the learning rate', async () => {
  using trainer = new TokenPolicyTrainer(
    tokenOptions({ reward: (_, texts) => texts.map((_, i) => (i ? 1e38 : -1e38)) }),
  );
  const error = await trainer.run({ steps: 1 }).catch((e) => e);
  expect(error.message).toContain('an advantage is out of range');
  expect(error.message).toContain('Scale the rewards');
  expect(error.message).not.toContain('learning rate');
});
