/**
 * The surrogates' parts as functions of tabular logits z, with exact gradients. A surrogate is
 *
 *   ℓ(z) = 𝒥(z) − 𝒞(z)/η,   p = softmax(z),   ρ = p/p_t,   everything weighted by the visitation d of p_t
 *
 * with a linear term 𝒥 (what the functional representation pairs ∇J with) and a proximity term 𝒞 (the mirror map's
 * divergence). FMA-PG (arXiv 2108.05828), sections 3 and 4; the methods are put together in methods.ts.
 */

/** What an outer step holds fixed: the policy that was evaluated, and its values. */
export interface Anchor {
  readonly A: number;
  /** weights of the states `[S]`: the visitation of p_t */
  readonly d: Float64Array;
  /** advantages of p_t `[S·A]` */
  readonly advantages: Float64Array;
  /** p_t `[S·A]` */
  readonly p: Float64Array;
  /** log p_t `[S·A]` */
  readonly logP: Float64Array;
}

/** A policy on the way, `[S·A]` each; buffers that an inner loop fills again and again. */
export interface Point {
  readonly p: Float64Array;
  /** x = log ρ = log p − log p_t */
  readonly logRatio: Float64Array;
}

/** A part of a surrogate. */
export interface Term {
  /** Σ_s d(s) · what it is about one state */
  value(anchor: Anchor, point: Point): number;
  /** adds `scale` times the gradient by the logits to `out` `[S·A]` */
  addGradient(anchor: Anchor, point: Point, scale: number, out: Float64Array): void;
}

type RowValue = (anchor: Anchor, point: Point, at: number) => number;
/** Writes the row's gradient by z (without d) into `row` `[A]`. */
type RowGradient = (anchor: Anchor, point: Point, at: number, row: Float64Array) => void;

function term(rowValue: RowValue, rowGradient: RowGradient): Term {
  let row = new Float64Array(16);
  return {
    value(anchor, point) {
      let total = 0;
      const { A, d } = anchor;
      for (let s = 0; s < d.length; s++) if (d[s] !== 0) total += (d[s] as number) * rowValue(anchor, point, s * A);
      return total;
    },
    addGradient(anchor, point, scale, out) {
      const { A, d } = anchor;
      if (row.length < A) row = new Float64Array(A);
      for (let s = 0; s < d.length; s++) {
        const weight = scale * (d[s] as number);
        if (weight === 0) continue;
        rowGradient(anchor, point, s * A, row);
        for (let a = 0; a < A; a++) out[s * A + a] = (out[s * A + a] as number) + weight * (row[a] as number);
      }
    },
  };
}

/** A term Σ_a p_t(a) w(a, x): its gradient by z is p_t w' − p Σ_b p_t w', with w' = ∂w/∂x. */
function overLogRatio(w: (advantage: number, x: number) => number, dw: (advantage: number, x: number) => number): Term {
  return term(
    ({ A, p, advantages }, { logRatio }, at) => {
      let total = 0;
      for (let i = at; i < at + A; i++) total += (p[i] as number) * w(advantages[i] as number, logRatio[i] as number);
      return total;
    },
    ({ A, p, advantages }, point, at, row) => {
      let total = 0;
      for (let a = 0; a < A; a++) {
        const i = at + a;
        const slope = (p[i] as number) * dw(advantages[i] as number, point.logRatio[i] as number);
        row[a] = slope;
        total += slope;
      }
      for (let a = 0; a < A; a++) row[a] = (row[a] as number) - (point.p[at + a] as number) * total;
    },
  );
}

/** Σ d p A = Σ d p_t ρ A: the direct representation's linear term (CPI, TRPO, MDPO). ∂/∂z = d p (A − Σ_b p_b A_b). */
export const direct: Term = term(
  ({ A, advantages }, { p }, at) => {
    let total = 0;
    for (let i = at; i < at + A; i++) total += (p[i] as number) * (advantages[i] as number);
    return total;
  },
  ({ A, advantages }, { p }, at, row) => {
    let mean = 0;
    for (let i = at; i < at + A; i++) mean += (p[i] as number) * (advantages[i] as number);
    for (let a = 0; a < A; a++) row[a] = (p[at + a] as number) * ((advantages[at + a] as number) - mean);
  },
);

/** Σ d p_t A log ρ = ⟨z − z_t, ∇J⟩: the softmax representation's linear term (REINFORCE, sMDPO). ∂/∂z = d p_t A. */
export const logits: Term = overLogRatio(
  (advantage, x) => advantage * x,
  (advantage) => advantage,
);

/** PPO's Σ d p_t min(ρA, clip(ρ, 1 − ε, 1 + ε)A). */
export const ppoClipped = (epsilon: number): Term => {
  const inside = (advantage: number, ratio: number): boolean =>
    advantage > 0 ? ratio < 1 + epsilon : advantage < 0 && ratio > 1 - epsilon;
  return overLogRatio(
    (advantage, x) => {
      const ratio = Math.exp(x);
      return Math.min(ratio * advantage, Math.min(Math.max(ratio, 1 - epsilon), 1 + epsilon) * advantage);
    },
    (advantage, x) => {
      const ratio = Math.exp(x);
      return inside(advantage, ratio) ? ratio * advantage : 0;
    },
  );
};

/** sPPO's Σ d p_t A clip(log ρ, ±log(1 + ε)), with or without the minimum with the unclipped one. */
export const sppoClipped = (epsilon: number, pessimistic: boolean): Term => {
  const band = Math.log1p(epsilon);
  const clipped = (x: number): number => Math.min(Math.max(x, -band), band);
  const inside = (advantage: number, x: number): boolean =>
    pessimistic ? (advantage > 0 ? x < band : x > -band) : Math.abs(x) < band;
  return overLogRatio(
    (advantage, x) => (pessimistic ? Math.min(advantage * x, advantage * clipped(x)) : advantage * clipped(x)),
    (advantage, x) => (inside(advantage, x) ? advantage : 0),
  );
};

/** MPO's M-step Σ d p_t w log ρ, w = exp(A/λ)/Σ_b p_t exp(A/λ): sMDPO's 1 + ηA is the first order of exp(ηA). */
export const expWeighted = (temperature: number): Term => {
  const weights = ({ A, p, advantages }: Anchor, at: number, row: Float64Array): void => {
    let most = Number.NEGATIVE_INFINITY;
    for (let a = 0; a < A; a++) if (p[at + a] !== 0) most = Math.max(most, advantages[at + a] as number);
    let total = 0;
    for (let a = 0; a < A; a++) {
      row[a] = (p[at + a] as number) * Math.exp(((advantages[at + a] as number) - most) / temperature);
      total += row[a] as number;
    }
    for (let a = 0; a < A; a++) row[a] = (row[a] as number) / total;
  };
  let q = new Float64Array(16);
  return term(
    (anchor, { logRatio }, at) => {
      if (q.length < anchor.A) q = new Float64Array(anchor.A);
      weights(anchor, at, q);
      let total = 0;
      for (let a = 0; a < anchor.A; a++) total += q[a] === 0 ? 0 : (q[a] as number) * (logRatio[at + a] as number);
      return total;
    },
    (anchor, { p }, at, row) => {
      weights(anchor, at, row);
      for (let a = 0; a < anchor.A; a++) row[a] = (row[a] as number) - (p[at + a] as number);
    },
  );
};

/** Forward KL Σ d KL(p_t ‖ p): the divergence of log-sum-exp in logits (sMDPO), TRPO's and PPO-KL's. ∂/∂z = d (p − p_t). */
export const forwardKl: Term = overLogRatio(
  (_, x) => -x,
  () => -1,
);

/** Reverse KL Σ d KL(p ‖ p_t): the divergence of negative entropy (MDPO). ∂/∂z = d p (log ρ − KL). */
export const reverseKl: Term = term(klOfRow, (anchor, point, at, row) => {
  const kl = klOfRow(anchor, point, at);
  for (let a = 0; a < anchor.A; a++) row[a] = (point.p[at + a] as number) * ((point.logRatio[at + a] as number) - kl);
});

/** Σ_a p log ρ of the row at `at`, in nats; 0 log 0 = 0. */
export function klOfRow({ A }: Pick<Anchor, 'A'>, { p, logRatio }: Point, at: number): number {
  let total = 0;
  for (let i = at; i < at + A; i++) if (p[i] !== 0) total += (p[i] as number) * (logRatio[i] as number);
  return total;
}

/** ½ Σ d Var_{p_t}(log ρ): both divergences to second order, NPG's. Its argmax with `logits` is p ∝ p_t exp(ηA). */
export const fisher: Term = (() => {
  const mean = ({ A, p }: Anchor, { logRatio }: Point, at: number): number => {
    let total = 0;
    for (let i = at; i < at + A; i++) total += (p[i] as number) * (logRatio[i] as number);
    return total;
  };
  return term(
    (anchor, point, at) => {
      const centre = mean(anchor, point, at);
      let total = 0;
      for (let i = at; i < at + anchor.A; i++)
        total += 0.5 * (anchor.p[i] as number) * ((point.logRatio[i] as number) - centre) ** 2;
      return total;
    },
    (anchor, point, at, row) => {
      const centre = mean(anchor, point, at);
      for (let a = 0; a < anchor.A; a++)
        row[a] = (anchor.p[at + a] as number) * ((point.logRatio[at + a] as number) - centre);
    },
  );
})();
