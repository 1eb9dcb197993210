// DPO: the losses by hand, their gradients, and where training goes.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, type Params, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import { memory, type Scalar, softmax, sum, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import {
  type DpoLossOptions,
  type DpoOptions,
  type DpoStep,
  DpoTrainer,
  dnoLoss,
  dpoLoss,
  egpoLoss,
  inpoLoss,
  ipoLoss,
  softly,
  sppoLoss,
  tokenTable,
} from '../../index.ts';

beforeAll(() => useBackend('auto'));

const at = (h: number, o: DpoLossOptions): number => tidy(() => dpoLoss(tensor1d([h]), o).dataSync()[0] as number);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

test('margin 4, beta .2: .371101, .2 and 2.25; an unknown name is refused', () => {
  expect(at(4, { klCoef: 0.2 })).toBeCloseTo(0.371101, 6);
  expect(at(4, { klCoef: 0.2, dpoLoss: 'hinge' })).toBeCloseTo(0.2, 6);
  expect(at(4, { klCoef: 0.2, dpoLoss: 'ipo' })).toBeCloseTo(2.25, 6);
  expect(at(4, { klCoef: 0.2, dpoLoss: 'sigmoid-norm' })).toBeCloseTo(0.371101, 6);
  // ε .1: −.9 log σ(.8) − .1 log σ(−.8); robust: (−.9 log σ(.8) + .1 log σ(−.8)) / .8
  const [right, wrong] = [-Math.log(sigmoid(0.8)), -Math.log(sigmoid(-0.8))];
  expect(at(4, { klCoef: 0.2, labelSmoothing: 0.1 })).toBeCloseTo(0.9 * right + 0.1 * wrong, 6);
  expect(at(4, { klCoef: 0.2, labelSmoothing: 0.1, dpoLoss: 'robust' })).toBeCloseTo(
    (0.9 * right - 0.1 * wrong) / 0.8,
    6,
  );
  expect(() => at(4, { klCoef: 0.2, dpoLoss: 'sigmod' as never })).toThrow('Did you mean sigmoid?');
  expect(() => at(4, { klCoef: 0 })).toThrow('klCoef: out of range; got 0');
  expect(() => at(4, { klCoef: 1, labelSmoothing: 0.5 })).toThrow('labelSmoothing: out of range; got 0.5');
  expect(() => at(4, { klCoef: 1, labelSmoothing: 0.1, dpoLoss: 'ipo' })).toThrow('labelSmoothing: ipo has none');
});

test('the losses of SPPO, DNO and INPO by hand', () => {
  const t = (...x: number[]) => tensor1d(x);
  const value = (f: () => Tensor): number => tidy(() => f().dataSync()[0] as number);
  // (.3 − (.8 − .5)/.5)² + (−.1 − (.2 − .5)/.5)²
  expect(value(() => sppoLoss(t(0.3), t(-0.1), t(0.8), t(0.2), 0.5))).toBeCloseTo(0.3 ** 2 + 0.5 ** 2, 6);
  // σ_target = σ(.6); −q log σ(2·.4) − (1 − q) log σ(−.8)
  const q = sigmoid(0.6);
  expect(value(() => dnoLoss(t(0.4), t(0.6), 2))).toBeCloseTo(
    -q * Math.log(sigmoid(0.8)) - (1 - q) * Math.log(sigmoid(-0.8)),
    6,
  );
  // h_t = 1 − .5·.4 − .5·.2 = .7; .9 (.7 − 1/.8)² + .1 (.7 + 1/.8)², τ .2, η̂ .4
  expect(value(() => inpoLoss(t(1), t(0.4), t(0.2), t(0.9), { klCoef: 0.2, inverseStep: 0.4 }))).toBeCloseTo(
    0.9 * 0.55 ** 2 + 0.1 * 1.95 ** 2,
    5,
  );
  expect(value(() => softly((h) => dpoLoss(h, { klCoef: 1 }), t(2), t(0.25)))).toBeCloseTo(
    -0.25 * Math.log(sigmoid(2)) - 0.75 * Math.log(sigmoid(-2)),
    6,
  );
});

test.each(['sigmoid', 'ipo', 'hinge', 'robust', 'sigmoid-norm'] as const)(
  'gradient of %s by central differences',
  (name) => {
    const o: DpoLossOptions = { klCoef: 0.7, dpoLoss: name, ...(name === 'robust' && { labelSmoothing: 0.2 }) };
    const h = [-3, -0.2, 0.4, 6];
    const { grads, value } = valueAndGrad((p: Params): Scalar => sum(dpoLoss(p.h as never, o)))({ h: tensor1d(h) });
    const g = [...(grads.h as Tensor).dataSync()];
    for (const [i, x] of h.entries()) expect(g[i]).toBeCloseTo((at(x + 1e-2, o) - at(x - 1e-2, o)) / 2e-2, 2);
    value.dispose();
  },
);

const golden = JSON.parse(readFileSync(new URL('../../../test/golden/dpo-trl.json', import.meta.url), 'utf8')) as {
  versions: { [name: string]: string };
  chosen: { policy: number[]; reference: number[]; tokens: number[] };
  rejected: { policy: number[]; reference: number[]; tokens: number[] };
  losses: { loss: 'sigmoid'; klCoef: number; labelSmoothing: number; values: number[] }[];
};

test.each(golden.losses)('TRL’s numbers: $loss, beta $klCoef, smoothing $labelSmoothing', ({ values, loss, ...o }) => {
  const { chosen, rejected } = golden;
  const per = loss === ('ipo' as string) || loss === ('sigmoid-norm' as string);
  const score = ({ policy, reference, tokens }: typeof chosen): number[] =>
    policy.map((p, i) => (p - (reference[i] as number)) / (per ? (tokens[i] as number) : 1));
  const other = score(rejected);
  const h = tensor1d(score(chosen).map((x, i) => x - (other[i] as number)));
  const ours = tidy(() => [...dpoLoss(h, { dpoLoss: loss, ...o }).dataSync()]);
  for (const [i, x] of values.entries())
    expect(Math.abs((ours[i] as number) - x)).toBeLessThan(1e-5 * Math.max(1, Math.abs(x)));
});

const table = tokenTable({ vocabulary: 3, length: 1 });
const token = (id: number): Int32Array => Int32Array.of(id);
const pair = (a: number, b: number, label = 1) => ({ prompt: token(0), chosen: token(a), rejected: token(b), label });
const options = (o: Partial<DpoOptions> = {}): DpoOptions => ({
  policy: table,
  params: table.params([0, 0, 0]),
  data: [pair(0, 1), pair(1, 2), pair(0, 2)],
  batchSize: 3,
  learningRate: 0.1,
  optimizer: { name: 'adam' },
  seed: 1,
  ...o,
});
const steps = async (t: DpoTrainer, n: number): Promise<DpoStep[]> => {
  const all: DpoStep[] = [];
  for await (const s of t.train({ steps: n })) all.push(s);
  return all;
};

test('IPO goes to the log-ratios that its regression has, an IPO of every pair', async () => {
  // h_01 = h_12 = 1/2β exactly, h_02 = 1/2β too: the least squares solution on three logits is (2/3, 0, −2/3)/2β
  using trainer = new DpoTrainer(options({ dpoLoss: 'ipo', klCoef: 0.5 }));
  const all = await steps(trainer, 200);
  expect(all[0]?.loss).toBeCloseTo(1, 6); // h = 0 at the start: (1/2β)²
  const z = [...(trainer.params.logits as Tensor).dataSync()];
  expect((z[0] as number) - (z[1] as number)).toBeCloseTo(2 / 3, 2);
  expect((z[1] as number) - (z[2] as number)).toBeCloseTo(2 / 3, 2);
  expect(all.at(-1)?.accuracy).toBe(1);
});

test('soft labels: sigmoid goes to β h = logit of the label; the reference is where it started', async () => {
  using trainer = new DpoTrainer(options({ data: [pair(0, 1, 0.8)], batchSize: 1, klCoef: 0.5 }));
  await trainer.run({ steps: 300 });
  const p = [...softmax(trainer.params.logits as Tensor).dataSync()];
  expect(0.5 * Math.log((p[0] as number) / (p[1] as number))).toBeCloseTo(Math.log(4), 2);
});

test('held-out pairs are evaluated; a resumed run goes on as if never stopped, and asks the reference no more', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dpo-'));
  try {
    const o = { evalData: [pair(2, 0)], evalEvery: 2, batchSize: 2, learningRate: 0.05 };
    using whole = new DpoTrainer(options(o));
    const all = await steps(whole, 6);
    expect(all[1]?.evalAccuracy).toBe(0);
    expect(all[1]?.evalLoss as number).toBeGreaterThan(Math.log(2));
    using first = new DpoTrainer(options(o));
    await steps(first, 3);
    await first.save(join(dir, 'half'));
    using second = await DpoTrainer.resume(join(dir, 'half'), options({ ...o, params: table.params([9, 9, -9]) }));
    const rest = await steps(second, 6);
    for (const [i, s] of rest.entries())
      for (const key of ['loss', 'margin', 'gradNorm'] as const) expect(s[key]).toBe(all[3 + i]?.[key]);
    await expect(DpoTrainer.resume(join(dir, 'half'), options({ ...o, dpoLoss: 'hinge' }))).rejects.toThrow('dpoLoss');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('micro-batches make no difference; tensors stay level', async () => {
  const data = [pair(0, 1), pair(1, 2), pair(0, 2), pair(2, 1)];
  using big = new DpoTrainer(options({ data, batchSize: 4 }));
  using small = new DpoTrainer(options({ data, batchSize: 1, accumulate: 4 }));
  const [a, b] = [await big.run({ steps: 3 }), await small.run({ steps: 3 })];
  expect(b?.loss as number).toBeCloseTo(a?.loss as number, 5);
  expect(b?.gradNorm as number).toBeCloseTo(a?.gradNorm as number, 5);
  const before = memory().numTensors;
  await big.run({ steps: 30 });
  expect(memory().numTensors).toBe(before);
});

test('a trainer leaves nothing behind: neither one that was used, nor one that was refused', async () => {
  const o = options({ evalData: [pair(2, 0)] });
  const before = memory().numTensors;
  const trainer = new DpoTrainer(o);
  await trainer.run({ steps: 2 });
  trainer.dispose();
  expect(memory().numTensors).toBe(before);
  const { evalData: _, ...bare } = o;
  for (const bad of [
    { ...o, learningRate: Number.NaN },
    { ...o, batchSize: 0 },
    { ...bare, evalEvery: 2 },
  ]) {
    expect(() => new DpoTrainer(bad)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    expect(memory().numTensors).toBe(before);
  }
  disposeTree(o.params);
});

test('a misspelt option is refused, with the one that is meant', () => {
  expect(() => new DpoTrainer({ ...options(), dpoLos: 'ipo' } as DpoOptions)).toThrow(
    'DpoTrainer: unknown option dpoLos',
  );
  expect(() => new DpoTrainer({ ...options(), klcoef: 1 } as DpoOptions)).toThrow('Did you mean klCoef?');
});

test('held-out pairs are measured with the β of the update before them', async () => {
  // log π/μ of the pair is 2 at the start and stays: nothing is learned with a rate of 0
  const reference = table.params([0, 0, 2]);
  const o = { reference, evalData: [pair(0, 2)], evalEvery: 1, learningRate: 0 };
  using trainer = new DpoTrainer(options({ ...o, klCoef: (step) => 0.1 * (step + 1) }));
  const all = await steps(trainer, 3);
  for (const [i, { evalMargin }] of all.entries()) expect(evalMargin).toBeCloseTo(0.2 * (i + 1), 5);
  disposeTree(reference);
});

test('a reference of its own', async () => {
  const reference = table.params([0, 3, 0]);
  using trainer = new DpoTrainer(options({ reference, data: [pair(0, 1)], batchSize: 1 }));
  // log π/μ differs by 3 at once
  expect((await steps(trainer, 1))[0]?.margin).toBeCloseTo(0.3, 5);
  disposeTree(reference);
});

test('what cannot be trained on is refused', () => {
  const of =
    (o: Partial<DpoOptions>): (() => unknown) =>
    () =>
      new DpoTrainer(options(o));
  expect(of({ data: [] })).toThrow('data: there are no pairs');
  expect(of({ batchSize: 4 })).toThrow('batchSize: more than there are pairs; got 4, wanted at most 3');
  expect(of({ klCoef: 0 })).toThrow('klCoef: out of range; got 0');
  expect(of({ dpoLoss: 'kto' as never })).toThrow('dpoLoss');
  expect(of({ dpoLoss: 'robust' })).toThrow(
    'labelSmoothing: robust without flipped labels is sigmoid; got 0, wanted their share, above 0 and below ½',
  );
  expect(of({ data: [{ ...pair(0, 1), rejected: new Int32Array(0) }], batchSize: 1 })).toThrow('a part without tokens');
});

test('labels outside [0, 1], equal completions and the reference of another model are refused by name', () => {
  const refused = (o: Partial<DpoOptions>, message: string): void =>
    expect(() => new DpoTrainer(options({ batchSize: 1, ...o }))).toThrow(message);
  for (const label of [2, -1, Number.NaN, '1' as never])
    refused({ data: [{ ...pair(0, 1), label }] }, 'data, pair 0: the label is out of range');
  refused({ evalData: [{ ...pair(0, 1), label: 7 }] }, 'evalData, pair 0: the label is out of range; got 7');
  refused({ data: [pair(1, 1)] }, 'data, pair 0: both completions have the same tokens');
  const other = tokenTable({ vocabulary: 4, length: 1 }).params([0, 0, 0, 0]);
  refused({ reference: other }, 'reference, logits: another shape than the policy’s; got "1,4"');
  disposeTree(other);
});

test('coefficients of the other losses are refused where they make no sense', () => {
  const one = tensor1d([1]);
  expect(() => ipoLoss(one, one, 0)).toThrow('ipoLoss, klCoef: out of range; got 0');
  expect(() => egpoLoss(one, one, 0)).toThrow('egpoLoss, klCoef: out of range; got 0');
  expect(() => sppoLoss(one, one, one, one, 0)).toThrow('sppoLoss, inverseStep: out of range; got 0');
  expect(() => dnoLoss(one, one, -1)).toThrow('dnoLoss, inverseStep: out of range; got -1');
  expect(() => inpoLoss(one, one, one, one, { klCoef: -1, inverseStep: 1 })).toThrow('inpoLoss, klCoef: out of range');
  one.dispose();
});
