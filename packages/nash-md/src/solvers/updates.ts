/**
 * One step of each solver, line by line. x = log π up to a constant, m = log μ, all sums over responses:
 *
 *   solver            step                                                                        last iterate goes to
 *   nash-md           o ∝ π^(1−ητ) μ^(ητ);  x ← (1−ητ)x + ητm + ηPo          (2312.00886, th. 1)  π*_τ with the paper's η
 *   omd               x ← (1−ητ)x + ητm + ηPπ                                (self-play)          π*_τ with the paper's η
 *   mwu               x ← x + ηPπ                                            (SPO, 2401.04056)    outward; the average to Nash
 *   mmd               x ← (x + ητm + ηPπ)/(1+ητ)                             (2206.05825)         π*_τ for small η
 *   omwu              x ← (1−ητ)x + ητm + η(2Pπ_t − Pπ_{t−1})                (ONPO, 2502.16852)   π*_τ, one product a step
 *   extragradient     h: (1−ητ)x + ητm + ηPπ;  x ← (1−ητ)x + ητm + ηPh       (EGPO, 2503.08942)   π*_τ, linearly
 *   mirror-prox       h: (x + ητm + ηPπ)/(1+ητ);  x ← (x + ητm + ηPh)/(1+ητ) (2505.19731)         π*_τ, linearly
 *   nash-ema          x ← (1−ητ)x + ητm + ηPq;  log q ← β log q + (1−β)x     (appendix F.3)       no proof
 *   best-response     x ← m + Pπ/τ                                                                π*_τ for large τ
 *   fictitious-play   x ← m + Pπ̄/τ, π̄ the average so far; τ = 0: the best response alone          the average to Nash
 *   moving-magnet     mmd, and every K steps m ← x           (2410.23223, 2410.16714)              Nash of P itself
 *   policy-gradient   o ∝ π^(1−β) μ^β;  x ← x + ηπ(A − E_π A), A = Po − τ(x − m)                  F_β
 *   online-ipo        x ← x + (4η/τ)π(A − E_π A), A = Pπ − τ(x − m)          (2403.08635)         π*_τ
 *   ipo-md            o ∝ π^(1−β) μ^β;  x ← x + (4η/τ)o(A − E_o A), A = Po − τ(x − m)             F_β
 *
 * The last two are gradient steps on the expected loss E[P(h − 1/2τ)² + (1−P)(h + 1/2τ)²], h = log π(y)μ(y')/π(y')μ(y), y
 * and y' drawn from π or from the mixture.
 */
import { argMax, logZero, multiplyAt, multiplyPreferencesAt, softmaxAt } from '../internal/vectors.ts';
import type { SolverArrays } from './solver-arrays.ts';
import type { ResolvedSolver, SolverName } from './solver-options.ts';

/** Advances game g by one step of size `s.eta[g]`, t counted from 0. A number passed to it would be boxed, each time. */
export type Update = (s: SolverArrays, g: number, t: number, o: ResolvedSolver) => void;

/** x ← (1−a)x + a m, a = ητ */
function shrink(s: SolverArrays, at: number, a: number): void {
  const { x, magnet, n } = s;
  for (let i = at; i < at + n; i++) x[i] = (1 - a) * (x[i] as number) + a * (magnet[i] as number);
}

/** x ← (x + more)·scale */
function add(x: Float64Array, at: number, n: number, more: Float64Array, weight: number, scale = 1): void {
  for (let i = at; i < at + n; i++) x[i] = ((x[i] as number) + weight * (more[i] as number)) * scale;
}

/** out ← P · v for game g. */
function product(s: SolverArrays, g: number, v: Float64Array, out: Float64Array): void {
  if (s.complementary) multiplyPreferencesAt(s.p, g * s.n * s.n, v, g * s.n, s.n, out, g * s.n);
  else multiplyAt(s.p, g * s.n * s.n, v, g * s.n, s.n, out, g * s.n);
}

/** out ← softmax((1−b)x + bm), by way of `s.half`. */
function mixture(s: SolverArrays, at: number, b: number, out: Float64Array): void {
  const { x, magnet, half, n } = s;
  for (let i = at; i < at + n; i++) half[i] = (1 - b) * (x[i] as number) + b * (magnet[i] as number);
  softmaxAt(half, at, n, out, at);
}

const nashMd: Update = (s, g) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  shrink(s, at, eta * (s.tau[g] as number));
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  add(s.x, at, s.n, s.values, eta);
};

const omd: Update = (s, g) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  shrink(s, at, eta * (s.tau[g] as number));
  add(s.x, at, s.n, s.values, eta);
};

const mwu: Update = (s, g) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  add(s.x, at, s.n, s.values, eta);
};

const mmd: Update = (s, g) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  const a = eta * (s.tau[g] as number);
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  add(s.x, at, s.n, s.magnet, a);
  add(s.x, at, s.n, s.values, eta, 1 / (1 + a));
};

const omwu: Update = (s, g, t) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  shrink(s, at, eta * (s.tau[g] as number));
  const { x, values, memory } = s;
  for (let i = at; i < at + s.n; i++) {
    const now = values[i] as number;
    x[i] = (x[i] as number) + eta * (2 * now - (t === 0 ? now : (memory[i] as number)));
    memory[i] = now;
  }
};

const extragradient: Update = (s, g) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  shrink(s, at, eta * (s.tau[g] as number));
  for (let i = at; i < at + s.n; i++) s.half[i] = (s.x[i] as number) + eta * (s.values[i] as number);
  softmaxAt(s.half, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  add(s.x, at, s.n, s.values, eta);
};

const mirrorProx: Update = (s, g) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  const a = eta * (s.tau[g] as number);
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  add(s.x, at, s.n, s.magnet, a);
  for (let i = at; i < at + s.n; i++) s.half[i] = ((s.x[i] as number) + eta * (s.values[i] as number)) / (1 + a);
  softmaxAt(s.half, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  add(s.x, at, s.n, s.values, eta, 1 / (1 + a));
};

const nashEma: Update = (s, g, _t, { emaDecay }) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  softmaxAt(s.memory, at, s.n, s.opponent, at); // log q up to a constant
  product(s, g, s.opponent, s.values);
  shrink(s, at, eta * (s.tau[g] as number));
  add(s.x, at, s.n, s.values, eta);
  const { x, memory } = s;
  for (let i = at; i < at + s.n; i++) memory[i] = emaDecay * (memory[i] as number) + (1 - emaDecay) * (x[i] as number);
};

/** x ← m + values/τ; for τ = 0 all on the first of the best */
function respond(s: SolverArrays, g: number): void {
  const at = g * s.n;
  const tau = s.tau[g] as number;
  const { x, magnet, values, n } = s;
  if (tau > 0) {
    for (let i = at; i < at + n; i++) x[i] = (magnet[i] as number) + (values[i] as number) / tau;
    return;
  }
  for (let i = at; i < at + n; i++) if (magnet[i] === logZero) values[i] = -1;
  const best = at + argMax(values, at, n);
  for (let i = at; i < at + n; i++) x[i] = i === best ? 0 : logZero;
}

const bestResponse: Update = (s, g) => {
  const at = g * s.n;
  softmaxAt(s.x, at, s.n, s.opponent, at);
  product(s, g, s.opponent, s.values);
  respond(s, g);
};

const fictitiousPlay: Update = (s, g, t) => {
  const at = g * s.n;
  softmaxAt(s.x, at, s.n, s.opponent, at);
  const { memory, opponent } = s;
  for (let i = at; i < at + s.n; i++) {
    const before = t === 0 ? 0 : (memory[i] as number);
    memory[i] = before + ((opponent[i] as number) - before) / (t + 1);
  }
  product(s, g, memory, s.values);
  respond(s, g);
};

const movingMagnet: Update = (s, g, t, o) => {
  mmd(s, g, t, o);
  if ((t + 1) % o.magnetEvery !== 0) return;
  const at = g * s.n;
  s.magnet.set(s.x.subarray(at, at + s.n), at);
};

/** x ← x + rate · w (A − E_w A), A = P·opponent − τ(x − m), w a distribution */
function ascend(s: SolverArrays, g: number, rate: number, w: Float64Array): void {
  const at = g * s.n;
  const tau = s.tau[g] as number;
  const { x, magnet, values, n } = s;
  let mean = 0;
  for (let i = at; i < at + n; i++) {
    values[i] = (values[i] as number) - tau * ((x[i] as number) - (magnet[i] as number));
    if ((w[i] as number) > 0) mean += (w[i] as number) * (values[i] as number);
  }
  for (let i = at; i < at + n; i++) {
    const weight = w[i] as number;
    if (weight > 0) x[i] = (x[i] as number) + rate * weight * ((values[i] as number) - mean);
  }
}

const policyGradient: Update = (s, g, _t, { mixtureCoef }) => {
  const eta = s.eta[g] as number;
  const at = g * s.n;
  mixture(s, at, mixtureCoef, s.opponent);
  product(s, g, s.opponent, s.values);
  softmaxAt(s.x, at, s.n, s.opponent, at);
  ascend(s, g, eta, s.opponent);
};

const ipo: Update = (s, g, _t, { mixtureCoef }) => {
  const eta = s.eta[g] as number;
  mixture(s, g * s.n, mixtureCoef, s.opponent);
  product(s, g, s.opponent, s.values);
  ascend(s, g, (4 * eta) / (s.tau[g] as number), s.opponent);
};

export const updates: { readonly [name in SolverName]: Update } = {
  'nash-md': nashMd,
  mwu,
  omd,
  mmd,
  omwu,
  extragradient,
  'mirror-prox': mirrorProx,
  'nash-ema': nashEma,
  'best-response': bestResponse,
  'fictitious-play': fictitiousPlay,
  'moving-magnet': movingMagnet,
  'policy-gradient': policyGradient,
  'online-ipo': ipo,
  'ipo-md': ipo,
};
