/** Values by hand (gkd.md §2.2; the table of cases), limits, bounds, gradients against the closed forms, what is refused. */
import { useBackend } from '@gimbal/tensor-core';
import {
  add,
  concat,
  exp,
  grad,
  grads,
  log,
  mul,
  pad as padTensor,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tensor3d,
  tidy,
} from '@tensorflow/tfjs-core';
import { distillLoss } from './distill-loss.ts';
import { type Divergence, divergenceName, parseDivergence } from './divergence.ts';
import { tokenDivergence } from './token-divergence.ts';

beforeAll(async () => {
  await useBackend('auto');
});

const logits = (p: readonly number[]): Tensor2D => log(tensor2d([[...p]])) as Tensor2D;
const p = [0.5, 0.3, 0.2];
const q = [0.2, 0.2, 0.6];

const distance = (d: Divergence, teacher = p, student = q): number =>
  tidy(() => tokenDivergence(logits(student), logits(teacher), d).dataSync()[0] as number);
const gradientOf = (d: Divergence, teacher = p, student = q): number[] =>
  tidy(() => {
    const zT = logits(teacher);
    return [...grad((z) => sum(tokenDivergence(z, zT, d)))(logits(student)).dataSync()];
  });
/** 1e-6 relative and 1e-7 absolute */
const close = (got: number, wanted: number): void =>
  expect(Math.abs(got - wanted)).toBeLessThanOrEqual(1e-6 * Math.abs(wanted) + 1e-7);

const jsd = (beta: number, scale?: 'normalised'): Divergence => ({ kind: 'jsd', beta, ...(scale && { scale }) });

test.each<[Divergence, number]>([
  ['fkl', 0.360062],
  ['rkl', 0.394816],
  ['tvd', 0.4],
  [jsd(0.1), 0.0322511],
  [jsd(0.5), 0.0905658],
  [jsd(0.9), 0.0346373],
  [{ kind: 'skew-fkl', alpha: 0.1 }, 0.289343],
  [{ kind: 'skew-rkl', alpha: 0.1 }, 0.304579],
])('the golden vector: %j is %d', (d, value) => {
  expect(Math.abs(distance(d) - value)).toBeLessThan(6e-7); // the golden values have six digits
});

test.each<[Divergence, number[]]>([
  ['fkl', [-0.3, -0.1, 0.4]],
  ['rkl', [-0.262221, -0.160056, 0.422278]],
  [jsd(0.9), [-0.0231799, -0.0135228, 0.0367027]],
  [{ kind: 'skew-fkl', alpha: 0.1 }, [-0.2230435, -0.088882, 0.3119255]],
  [{ kind: 'skew-rkl', alpha: 0.1 }, [-0.2058487, -0.1145608, 0.3204095]],
])('the golden vector: the gradient of %j', (d, wanted) => {
  for (const [i, x] of gradientOf(d).entries()) expect(Math.abs(x - (wanted[i] as number))).toBeLessThan(7e-7);
});

test('JSD at both ends and in between, by hand', () => {
  const [teacher, student] = [
    [0.7, 0.2, 0.1],
    [0.2, 0.3, 0.5],
  ];
  const at = (beta: number): number => distance(jsd(beta), teacher, student);
  for (const [beta, wanted] of [
    [0, 0.634897],
    [0.1, 0.0558908],
    [0.5, 0.151358],
    [0.9, 0.0583987],
    [1, 0.675806],
  ] as const)
    expect(Math.abs(at(beta) - wanted)).toBeLessThan(6e-7);
  // nothing cancels: right to five digits although the value is 1e-6 of its parts
  expect(at(1e-6)).toBeCloseTo(6.349e-7, 10);
});

test('mixture weights are not swapped: that bug would give .274585 for the teacher’s part at β .1', () => {
  expect(Math.abs(distance(jsd(0.1)) - 0.274585)).toBeGreaterThan(0.2);
});

test('JSD/β goes to fkl and JSD/(1 − β) to rkl; normalised it is continuous on [0, 1]', () => {
  const near = 1e-4;
  close(distance(jsd(0, 'normalised')), distance('fkl'));
  close(distance(jsd(1, 'normalised')), distance('rkl'));
  expect(distance(jsd(near)) / near / distance('fkl')).toBeCloseTo(1, 2);
  expect(distance(jsd(1 - near)) / near / distance('rkl')).toBeCloseTo(1, 2);
  expect(distance(jsd(near, 'normalised')) / distance('fkl')).toBeCloseTo(1, 2);
});

test('JSD is at most H(β), and reaches it for distributions that share nothing', () => {
  for (const beta of [0.1, 0.3, 0.5, 0.9]) {
    const bound = -beta * Math.log(beta) - (1 - beta) * Math.log(1 - beta);
    const apart = tidy(
      () => tokenDivergence(tensor2d([[80, 0]]), tensor2d([[0, 80]]), jsd(beta)).dataSync()[0] as number,
    );
    close(apart, bound);
    expect(distance(jsd(beta))).toBeLessThan(bound);
  }
});

test('equal models give exactly 0, and only a position where they differ has a loss', () => {
  const z = tensor2d(Array.from({ length: 4 }, (_, r) => Array.from({ length: 9 }, (_, v) => Math.sin(3 * r + v))));
  const changed = tensor2d(
    Array.from({ length: 4 }, (_, r) => Array.from({ length: 9 }, (_, v) => Math.sin(3 * r + v) + (r === 2 ? v : 0))),
  );
  const all: Divergence[] = ['fkl', 'rkl', 'tvd', jsd(0.1), jsd(0.9), { kind: 'skew-fkl', alpha: 0.1 }];
  for (const d of [...all, { kind: 'skew-rkl', alpha: 0.1 } as const]) {
    expect([...tokenDivergence(z, z, d).dataSync()].map(Math.abs)).toEqual([0, 0, 0, 0]);
    const [a, b, c, e] = tokenDivergence(changed, z, d).dataSync();
    expect([a, b, e].map((x) => Math.abs(x as number))).toEqual([0, 0, 0]);
    expect(c).toBeGreaterThan(0);
  }
});

test('a step with β 1 moves the student as the reverse KL does', () => {
  expect(gradientOf(jsd(1))).toEqual(gradientOf('rkl'));
});

test('a divergence of one’s own is differentiated as it is written', () => {
  const own: Divergence = {
    kind: 'custom',
    value: (lt, ls) => sum(mul(exp(lt), sub(lt, ls)), 1),
  };
  close(distance(own), distance('fkl'));
  for (const [i, x] of gradientOf(own).entries()) expect(x).toBeCloseTo(gradientOf('fkl')[i] as number, 5);
});

test.each<Divergence>([
  'fkl',
  'rkl',
  jsd(0.5),
  { kind: 'custom', value: (lt, ls) => sum(mul(exp(lt), sub(lt, ls)), 1) },
])('the teacher is a constant on the tape, whoever’s variables its logits come from: %j', (d) => {
  // 3 zT beside D: its gradient is all that the teacher gets
  const f = (zS: Tensor, zT: Tensor): Tensor => add(sum(tokenDivergence(zS, zT, d)), sum(mul(zT, 3)));
  const [ofStudent, ofTeacher] = grads(f)([logits(q), logits(p)]);
  expect([...(ofTeacher as Tensor).dataSync()]).toEqual([3, 3, 3]);
  expect([...(ofStudent as Tensor).dataSync()].some((x) => x !== 0)).toBe(true);
});

test('the loss of completions: a mean over tokens, then over sequences; padding does not count', () => {
  // D of the tokens: 1 token and 3 tokens; teacher and student differ in two of them
  const z = (rows: number[][]): Tensor3D => log(tensor3d([rows.slice(0, 3), rows.slice(3)])) as Tensor3D;
  const zT = z([p, p, p, p, p, p]);
  const zS = z([q, p, p, q, p, p]);
  const mask = tensor2d([
    [1, 0, 0],
    [1, 1, 1],
  ]);
  const value = (reduction: 'sequence' | 'token'): number =>
    distillLoss({ zS, zT, mask, divergence: 'fkl', reduction }).dataSync()[0] as number;
  expect(value('sequence')).toBeCloseTo((0.360062 + 0.360062 / 3) / 2, 5);
  expect(value('token')).toBeCloseTo((2 * 0.360062) / 4, 5);
  // 20 more columns of padding, of any number
  const wide = (t: Tensor3D): Tensor3D => concat([t, tensor3d([pad(20), pad(20)])], 1);
  const padded = distillLoss({
    ...{ zS: wide(zS), zT: wide(zT) },
    ...{
      mask: padTensor(mask, [
        [0, 0],
        [0, 20],
      ]) as Tensor2D,
      divergence: 'fkl',
    },
  });
  expect(Math.abs((padded.dataSync()[0] as number) - value('sequence'))).toBeLessThan(1e-7);
});
const pad = (n: number): number[][] => Array.from({ length: n }, (_, i) => [Number.NaN, i, 3]);

test('names on the command line', () => {
  for (const name of ['fkl', 'tvd', 'jsd:0.9', 'skew-rkl:0.1'])
    expect(divergenceName(parseDivergence(name))).toBe(name);
  expect(() => parseDivergence('jsd')).toThrow('jsd needs a number');
  expect(() => parseDivergence('fkll')).toThrow('Did you mean fkl?');
  expect(parseDivergence('jsd:0.5:normalised')).toEqual(jsd(0.5, 'normalised'));
  for (const text of ['skew-rkl:0.1:x', 'jsd:0.5:paper:zz', 'jsd:0.5:papr', 'skew-fkl:0.1:', 'fkl:1'])
    expect(() => parseDivergence(text)).toThrow(/^divergence/);
});

test.each<[string, () => unknown, string]>([
  ['β beyond 1', () => distance(jsd(1.2)), 'tokenDivergence.beta: out of range; got 1.2, wanted a number from 0 to 1'],
  ['β that is no number', () => distance(jsd(Number.NaN)), 'tokenDivergence.beta'],
  ['none', () => distance(undefined as never), 'tokenDivergence: there is none; wanted one of fkl, rkl'],
  ['α below 0', () => distance({ kind: 'skew-fkl', alpha: -1 }), 'tokenDivergence.alpha'],
  [
    'logits of different widths',
    () => tokenDivergence(tensor2d([[0, 1]]), tensor2d([[0, 1, 2]]), 'fkl'),
    'the logits of student and teacher have different shapes',
  ],
  [
    'a temperature of 0',
    () => tokenDivergence(logits(p), logits(q), 'fkl', { teacherTemperature: 0 }),
    'teacherTemperature',
  ],
])('refuses %s', (_, run, message) => {
  expect(run).toThrow(message);
});
