// Divergences of two distributions and their closed-form gradients in the student's logits, in float64 (gkd.md 2.2),
// and the same values with dual numbers, whose derivatives are exact: what tensors are compared with.

/** A divergence of the paper, with its parameter. */
export type Kind = readonly [kind: 'fkl' | 'rkl' | 'tvd' | 'jsd' | 'skew-fkl' | 'skew-rkl', parameter: number];

/** A number and its derivative along one direction. */
interface Dual {
  readonly v: number;
  readonly d: number;
}

const dual = (v: number, d = 0): Dual => ({ v, d });
const plus = (a: Dual, b: Dual): Dual => dual(a.v + b.v, a.d + b.d);
const times = (a: Dual, b: Dual): Dual => dual(a.v * b.v, a.d * b.v + a.v * b.d);
const ln = (a: Dual): Dual => dual(Math.log(a.v), a.d / a.v);
const blend = (t: number, a: Dual, b: Dual): Dual => plus(times(dual(t), a), times(dual(1 - t), b));
const total = (terms: readonly Dual[]): Dual => terms.reduce(plus, dual(0));
const klOf = (p: readonly Dual[], q: readonly Dual[]): Dual =>
  total(p.map((x, i) => times(x, plus(ln(x), times(dual(-1), ln(q[i] as Dual))))));

function softmax(z: readonly Dual[]): Dual[] {
  const exps = z.map((x) => dual(Math.exp(x.v), Math.exp(x.v) * x.d));
  const sum = total(exps);
  return exps.map((e) => times(e, dual(1 / sum.v, -sum.d / sum.v ** 2)));
}

function divergenceOf([kind, x]: Kind, p: readonly Dual[], q: readonly Dual[]): Dual {
  const mixed = (t: number, a: readonly Dual[], b: readonly Dual[]): Dual[] =>
    a.map((y, i) => blend(t, y, b[i] as Dual));
  if (kind === 'fkl') return klOf(p, q);
  if (kind === 'rkl') return klOf(q, p);
  if (kind === 'tvd')
    return total(p.map((y, i) => times(dual(0.5 * Math.sign((q[i] as Dual).v - y.v)), plus(q[i] as Dual, dual(-y.v)))));
  if (kind === 'skew-fkl') return klOf(p, mixed(x, p, q));
  if (kind === 'skew-rkl') return klOf(q, mixed(x, q, p));
  const m = mixed(x, p, q);
  return blend(x, klOf(p, m), klOf(q, m));
}

/** D(p‖softmax z). */
export const valueAt = (kind: Kind, p: readonly number[], z: readonly number[]): number =>
  divergenceOf(
    kind,
    p.map((x) => dual(x)),
    softmax(z.map((x) => dual(x))),
  ).v;

/** ∂D/∂z by dual numbers, a direction for each logit. */
export const derivativeAt = (kind: Kind, p: readonly number[], z: readonly number[]): number[] =>
  z.map(
    (_, i) =>
      divergenceOf(
        kind,
        p.map((x) => dual(x)),
        softmax(z.map((x, j) => dual(x, i === j ? 1 : 0))),
      ).d,
  );

/** ∂D/∂z as the paper's table has it: q ⊙ (w − Σ q w), w the derivative of the summand in q. */
export function closedForm([kind, x]: Kind, p: readonly number[], z: readonly number[]): number[] {
  const q = softmax(z.map((v) => dual(v))).map(({ v }) => v);
  const at = (i: number): [number, number] => [p[i] as number, q[i] as number];
  const w = q.map((_, i) => {
    const [pi, qi] = at(i);
    if (kind === 'fkl') return -pi / qi;
    if (kind === 'rkl') return Math.log(qi / pi);
    if (kind === 'tvd') return 0.5 * Math.sign(qi - pi);
    if (kind === 'skew-fkl') return (-(1 - x) * pi) / (x * pi + (1 - x) * qi);
    const m = kind === 'skew-rkl' ? (1 - x) * pi + x * qi : x * pi + (1 - x) * qi;
    return kind === 'skew-rkl' ? Math.log(qi / m) - (x * qi) / m : (1 - x) * Math.log(qi / m);
  });
  const mean = q.reduce((sum, qi, i) => sum + qi * (w[i] as number), 0);
  return q.map((qi, i) => qi * ((w[i] as number) - mean));
}
