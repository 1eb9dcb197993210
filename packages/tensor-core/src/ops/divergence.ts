// Divergences between two distributions over the last axis, given by their logits: D(p‖q) of a target p from q, the
// values and the gradient to q's logits in one op (arXiv 2306.13649, section 3; skewed: arXiv 2402.03898).
//
//   r = log p/q;  D = Σ f;  ∂D/∂z_q = q ⊙ (w − Σ q w) / τ        M = b·other + (1 − b)·base
//   fkl  Σ p r               w = −p/q, so q − p          rkl       −Σ q r           w = −r
//   tvd  ½ Σ |p − q|         w = ½ sign(q − p)           skew-fkl  KL(p‖M), M = αp + (1 − α)q    w = −(1 − α) p/M
//   jsd  β KL(p‖M) + (1 − β) KL(q‖M), M = βp + (1 − β)q  w = (1 − β) log q/M
//                                                        skew-rkl  KL(q‖M), M = (1 − α)p + αq    w = log q/M − α q/M
//
// Mixtures are taken in logarithms from the side that weighs more, log M/base = log1p(b (e^s − 1)) with s = log other/base:
// nothing cancels near p = q, where D is exactly 0, or at the ends of β. A class of probability 0 contributes 0 wherever
// p or q stands before the logarithm; only rkl of a class that p bans is infinite, unless q has none of it either.
//
// The backward pass keeps both logits and a few numbers a row, and computes the rest again: it allocates the gradient only.

import {
  abs,
  add,
  clipByValue,
  equal,
  exp,
  expm1,
  less,
  log,
  log1p,
  logicalAnd,
  maximum,
  mul,
  neg,
  notEqual,
  reshape,
  where as select,
  sign,
  slice,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { logSumExp } from '../gap/log-sum-exp.ts';
import { asRows } from './cross-entropy.ts';
import { checkDtype, checkName, checkNumber, checkRank, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused } from './internal/fused-op.ts';
import { defineKernel, runKernel, runKernel1 } from './internal/kernel.ts';

/** What is measured between p and q; `mix` is β of jsd and α of the skewed ones. */
export type DivergenceName = 'fkl' | 'rkl' | 'tvd' | 'jsd' | 'skew-fkl' | 'skew-rkl';

const names: readonly DivergenceName[] = ['fkl', 'rkl', 'tvd', 'jsd', 'skew-fkl', 'skew-rkl'];

export type DivergenceAttributes = {
  kind: DivergenceName;
  mix: number;
  /** D and its gradient are multiplied by it */
  factor: number;
  /** of q, and of p */
  temperature: number;
  targetTemperature: number;
  /** fill in the measures */
  measures: boolean;
  /** of the gradient alone: it may take the logits' memory */
  overwrite?: boolean;
};

/** Columns of the op's second output: what the gradient needs, and the measures. */
const [LSE_Q, LSE_P, CENTRE, MEASURES] = [0, 1, 2, 3];
const columns = 7;

interface Sides {
  p: Tensor;
  q: Tensor;
  /** log p/q, 0 where both are 0 */
  r: Tensor;
  logQ: Tensor;
}

function sides(logits: Tensor, target: Tensor, lseQ: Tensor, lseP: Tensor, a: DivergenceAttributes): Sides {
  const logQ = sub(scaled(logits, a.temperature), lseQ);
  const logP = sub(scaled(target, a.targetTemperature), lseP);
  const [p, q] = [exp(logP), exp(logQ)];
  const r = sub(logP, logQ);
  return { p, q, logQ, r: select(logicalAnd(equal(p, 0), equal(q, 0)), zerosLike(r), r) };
}

const scaled = (x: Tensor, temperature: number): Tensor => (temperature === 1 ? x : mul(x, 1 / temperature));

/** p·x, 0 where p is, whatever x is there. */
const weigh = (p: Tensor, x: Tensor): Tensor => select(equal(p, 0), zerosLike(p), mul(p, x));

/** e^80 is far beyond what a mixture can see, and e^89 is infinite */
const farthest = 80;

/** log M/base and log other/M for M = b·other + (1 − b)·base, from s = log other/base. */
function mixture(s: Tensor, b: number): { overBase: Tensor; ofOther: Tensor } {
  if (b === 0) return { overBase: zerosLike(s), ofOther: s };
  const near = clipByValue(s, Number.NEGATIVE_INFINITY, farthest);
  const light = log1p(mul(expm1(near), b));
  // where M is little but its share of the base, 1 + b(e^s − 1) would lose that share
  const body = b <= 0.5 ? light : select(less(near, -0.7), log(add(mul(exp(near), b), 1 - b)), light);
  const beyond = maximum(sub(s, farthest), 0);
  return { overBase: add(body, beyond), ofOther: sub(near, body) };
}

/** Σ_v f and w of the gradient q ⊙ (w − Σ q w). */
function terms({ p, q, r }: Sides, { kind, mix }: DivergenceAttributes): { f: () => Tensor; w: () => Tensor } {
  switch (kind) {
    case 'fkl':
      return { f: () => weigh(p, r), w: () => neg(exp(r)) };
    case 'rkl':
      return { f: () => neg(weigh(q, r)), w: () => neg(r) };
    case 'tvd':
      return { f: () => mul(abs(sub(p, q)), 0.5), w: () => mul(sign(sub(q, p)), 0.5) };
    case 'jsd': {
      // the lighter side is mixed into the heavier
      const heavy = mix <= 0.5;
      const b = heavy ? mix : 1 - mix;
      const { overBase, ofOther } = mixture(heavy ? r : neg(r), b);
      const [base, other] = heavy ? [q, p] : [p, q];
      return {
        f: () => sub(mul(weigh(other, ofOther), b), mul(weigh(base, overBase), 1 - b)),
        w: () => mul(heavy ? neg(overBase) : ofOther, 1 - mix),
      };
    }
    case 'skew-fkl': {
      const { overBase } = mixture(neg(r), 1 - mix);
      return { f: () => neg(weigh(p, overBase)), w: () => mul(exp(neg(overBase)), mix - 1) };
    }
    default: {
      const { overBase } = mixture(r, 1 - mix);
      return { f: () => neg(weigh(q, overBase)), w: () => sub(neg(overBase), mul(exp(neg(overBase)), mix)) };
    }
  }
}

/** Values [R] and the columns [R,7] of logits [R,V]. */
function composeRows(logits: Tensor2D, target: Tensor2D, a: DivergenceAttributes): [Tensor, Tensor] {
  const lseQ = logSumExp(scaled(logits, a.temperature), -1, true);
  const lseP = logSumExp(scaled(target, a.targetTemperature), -1, true);
  const [value, ...rest] = rowSums(logits, target, lseQ, lseP, a) as [Tensor, ...Tensor[]];
  const flat = (x: Tensor): Tensor => reshape(x, value.shape);
  return [value, stack([flat(lseQ), flat(lseP), ...rest], 1)];
}

/**
 * Sums over the given classes, which may be some of all: D, Σ q w, and the measures, each [R].
 * @param lseQ log Σ exp of the scaled logits over all classes [R,1], and lseP of the scaled target
 */
export function rowSums(
  logits: Tensor2D,
  target: Tensor2D,
  lseQ: Tensor,
  lseP: Tensor,
  a: DivergenceAttributes,
): Tensor[] {
  const both = sides(logits, target, lseQ, lseP, a);
  const { f, w } = terms(both, a);
  const value = mul(sum(f(), -1), a.factor);
  const { p, q, r, logQ } = both;
  const total = (x: Tensor): Tensor => sum(x, -1);
  const centre = a.kind === 'fkl' ? zerosLike(value) : total(weigh(q, w()));
  const nothing = zerosLike(value);
  const measures = a.measures
    ? [total(weigh(p, r)), neg(total(weigh(q, r))), mul(total(abs(sub(p, q))), 0.5), neg(total(weigh(q, logQ)))]
    : [nothing, nothing, nothing, nothing];
  return [value, centre, ...measures];
}

/** ∂Σ dy D/∂z of the given classes, from the sums over all of them. */
export const divergenceGrad = defineKernel<DivergenceAttributes>('DivergenceGrad', (inputs, a) => {
  const { dy, logits, target, columns: kept } = inputs as { [name: string]: Tensor };
  const [z, y] = [asRows(logits as Tensor), asRows(target as Tensor)];
  const rows = z.shape[0];
  const column = (i: number): Tensor => slice(kept as Tensor, [0, i], [rows, 1]);
  const both = sides(z, y, column(LSE_Q), column(LSE_P), a);
  const { p, q } = both;
  const d = a.kind === 'fkl' ? sub(q, p) : weigh(q, sub(terms(both, a).w(), column(CENTRE)));
  const perRow = mul(reshape(dy as Tensor, [rows, 1]), a.factor / a.temperature);
  // a row that does not count has none, whatever d is
  const out = select(notEqual(perRow, 0), mul(d, perRow), zerosLike(d));
  return [reshape(out, (logits as Tensor).shape)];
});

const divergenceOp = defineFusedOp<DivergenceAttributes>({
  name: 'Divergence',
  outputs: 2,
  compose: (inputs, a) => {
    const { logits, target } = inputs as { logits: Tensor; target: Tensor };
    const [values, kept] = composeRows(asRows(logits), asRows(target), a);
    return [reshape(values, logits.shape.slice(0, -1)), kept];
  },
  saveInputs: ['logits', 'target'],
  saveOutputs: true,
  gradient: ({ dys, inputs, outputs, attributes }) => ({
    logits: () =>
      runKernel1(divergenceGrad, { dy: dys[0] as Tensor, ...inputs, columns: outputs[1] as Tensor }, attributes),
  }),
});

/** Which divergence, at which temperatures. */
export interface DivergenceOptions {
  /** The divergence's name. */
  kind: DivergenceName;
  /** β of jsd (weight of p, in the mixture and before KL(p‖M)), α of the skewed ones; in [0, 1]. */
  mix?: number;
  /** jsd at 0 and 1, which would be 0, are the KL divergences: `normalised` divides by β(1 − β), so that they are its limits. Default `paper`: not. */
  scale?: 'paper' | 'normalised';
  /** The logits are divided by it. Default 1. */
  temperature?: number;
  /** The target's logits are divided by it. Default 1. */
  targetTemperature?: number;
}

/** β of jsd at an end is a KL divergence; so is a skewed one that is not skewed. */
export function attributesOf(where: string, o: DivergenceOptions, measures: boolean): DivergenceAttributes {
  const { kind, mix, scale = 'paper', temperature = 1, targetTemperature = 1 } = o;
  checkName(where, 'kind', kind, names);
  checkName(where, 'scale', scale, ['paper', 'normalised']);
  for (const [name, t] of Object.entries({ temperature, targetTemperature }))
    checkNumber(where, name, t, t > 0 && Number.isFinite(t), 'a finite number > 0');
  const shared = { temperature, targetTemperature, measures };
  if (kind === 'fkl' || kind === 'rkl' || kind === 'tvd') return { kind, mix: 0, factor: 1, ...shared };
  const given = mix ?? Number.NaN;
  checkNumber(where, 'mix', given, given >= 0 && given <= 1, 'a number from 0 to 1');
  if (kind === 'jsd') {
    if (given === 0 || given === 1) return { kind: given === 0 ? 'fkl' : 'rkl', mix: 0, factor: 1, ...shared };
    return { kind, mix: given, factor: scale === 'paper' ? 1 : 1 / (given * (1 - given)), ...shared };
  }
  if (given === 0) return { kind: kind === 'skew-fkl' ? 'fkl' : 'rkl', mix: 0, factor: 1, ...shared };
  return { kind, mix: given, factor: 1, ...shared };
}

export function checkSides(where: string, logits: Tensor, target: Tensor): void {
  checkDtype(where, 'logits', logits, 'float32');
  checkRank(where, 'logits', logits, [1, 2, 3, 4, 5, 6], '[..., V]');
  checkDtype(where, 'target', target, 'float32');
  checkShape(where, 'target', target, logits.shape);
}

function run(where: string, logits: Tensor, target: Tensor, o: DivergenceOptions, measures: boolean): Tensor[] {
  checkSides(where, logits, target);
  return runFused(divergenceOp, { logits, target }, attributesOf(where, o, measures));
}

/**
 * D(p‖q) for each row, p = softmax(target), q = softmax(logits), in nats. The target is a constant: it has no gradient.
 * @param logits [..., V], float32
 * @param target [..., V], float32, like logits; −∞ bans a class
 * @returns logits' shape without its last axis; the caller disposes it
 * @throws ShapeError where the shapes differ; ConfigError for options
 */
export function divergence<T extends Tensor = Tensor>(logits: Tensor, target: Tensor, o: DivergenceOptions): T {
  const [values, kept] = run('divergence', logits, target, o, false) as [T, Tensor];
  kept.dispose();
  return values;
}

/**
 * The same, and of each row KL(p‖q), KL(q‖p), the total variation ½ Σ |p − q| and q's entropy, at the same temperatures,
 * from the same pass.
 * @param logits [..., V], float32
 * @param target [..., V], float32, like logits
 * @returns values, with a gradient, in logits' shape without its last axis; measures [R,4] without one. The caller
 * disposes both
 * @throws as `divergence`
 */
export function divergenceMeasures(
  logits: Tensor,
  target: Tensor,
  o: DivergenceOptions,
): { values: Tensor; measures: Tensor2D } {
  const [values, kept] = run('divergenceMeasures', logits, target, o, true) as [Tensor, Tensor2D];
  const measures = slice(kept, [0, MEASURES], [kept.shape[0], columns - MEASURES]) as Tensor2D;
  kept.dispose();
  return { values, measures };
}

/**
 * Value and gradient at once, for gradients that are made by hand: a loss over chunks of rows that keeps no logits.
 * @param logits [R,V], float32
 * @param target [R,V], float32, like logits
 * @param upstream [R], float32: the gradient of what is minimised to each row's value; a row of 0 has gradient 0
 * @param o `overwrite`: the logits are not read after this call, so that the gradient may take their memory, which it does
 * where a native kernel runs and no other tensor shares them; the caller disposes both all the same. Default false
 * @returns values [R], measures [R,4] as in `divergenceMeasures`, gradient [R,V] to the logits. None of them has a gradient
 * itself; the caller disposes them
 * @throws as `divergence`
 */
export function divergenceWithGradient(
  logits: Tensor2D,
  target: Tensor2D,
  upstream: Tensor1D,
  { overwrite = false, ...o }: DivergenceOptions & { overwrite?: boolean },
): { values: Tensor1D; measures: Tensor2D; gradient: Tensor2D } {
  const where = 'divergenceWithGradient';
  checkSides(where, logits, target);
  checkDtype(where, 'upstream', upstream, 'float32');
  checkShape(where, 'upstream', upstream, logits.shape.slice(0, -1));
  const a = { ...attributesOf(where, o, true), training: true };
  const [values, kept] = runKernel(divergenceOp.kernel, { logits, target }, a) as [Tensor1D, Tensor2D];
  const gradient = runKernel1<DivergenceAttributes, Tensor2D>(
    divergenceGrad,
    { dy: upstream, logits, target, columns: kept },
    { ...a, overwrite },
  );
  const measures = slice(kept, [0, MEASURES], [kept.shape[0], columns - MEASURES]) as Tensor2D;
  kept.dispose();
  return { values, measures, gradient };
}
