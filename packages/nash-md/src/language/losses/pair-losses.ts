/**
 * Losses on pairs of completions y, y' of one prompt, one number a pair. All see the policy through differences of
 * log-probabilities of whole completions:
 *
 *   h = log π(y)/μ(y) − log π(y')/μ(y')
 *
 * p is P(y ≻ y'), soft or 0/1; β and τ are the weight of the KL divergence (`klCoef`).
 */
import { ConfigError, checkName, checkOption, checkPositive } from '@gimbal/tensor-core';
import { add, div, exp, mul, neg, relu, softplus, square, sub, type Tensor1D, tidy } from '@tensorflow/tfjs-core';

/** Losses of direct preference optimisation by name. */
export const dpoLossNames = ['sigmoid', 'ipo', 'hinge', 'robust', 'sigmoid-norm'] as const;

/** Name of a loss of direct preference optimisation. */
export type DpoLossName = (typeof dpoLossNames)[number];

/** Which loss of direct preference optimisation, and its numbers. */
export interface DpoLossOptions {
  /**
   * sigmoid: −log σ(βh) (2305.18290, eq. 7); ipo: (h − 1/2β)² (2310.12036, eq. 17); hinge: max(0, 1 − βh) (2305.10425);
   * robust: sigmoid, unbiased for labels that are flipped with probability ε (2403.00409); sigmoid-norm: sigmoid on
   * log-ratios per token. Default sigmoid
   */
  dpoLoss?: DpoLossName;
  /** β > 0 */
  klCoef: number;
  /** ε in [0, ½): the share of labels that are taken for flipped; of sigmoid, and of robust, which is sigmoid at 0. Default 0 */
  labelSmoothing?: number;
}

/** Whether a loss compares log-ratios per token: h is then the difference of two means. */
export const isLengthNormalised = (name: DpoLossName): boolean => name === 'ipo' || name === 'sigmoid-norm';

/** @throws ConfigError for a name, β or ε that makes no sense */
export function checkDpoLoss({ dpoLoss = 'sigmoid', klCoef, labelSmoothing = 0 }: DpoLossOptions): void {
  checkName('dpoLoss', dpoLoss, dpoLossNames);
  checkOption('klCoef', klCoef, klCoef > 0 && Number.isFinite(klCoef), 'a finite number > 0');
  checkOption(
    'labelSmoothing',
    labelSmoothing,
    labelSmoothing >= 0 && labelSmoothing < 0.5,
    'a number from 0 to below ½',
  );
  if (labelSmoothing > 0 && dpoLoss !== 'sigmoid' && dpoLoss !== 'robust')
    throw new ConfigError({ where: 'labelSmoothing', what: `${dpoLoss} has none`, wanted: 'sigmoid or robust' });
}

/**
 * −log σ(βh) and its relatives, of pairs whose first completion is the better one.
 * @param h `[B]`; for ipo and sigmoid-norm of log-ratios per token
 * @returns `[B]`; the caller disposes it
 * @throws ConfigError for an unknown name or numbers out of range
 * @example dpoLoss(tensor1d([4]), { klCoef: 0.2 }) // .371101
 */
export function dpoLoss(h: Tensor1D, o: DpoLossOptions): Tensor1D {
  checkDpoLoss(o);
  const { dpoLoss: name = 'sigmoid', klCoef: beta, labelSmoothing: epsilon = 0 } = o;
  return tidy((): Tensor1D => {
    if (name === 'ipo') return square(sub(h, 1 / (2 * beta)));
    const z = mul(h, beta) as Tensor1D;
    if (name === 'hinge') return relu(sub(1, z));
    // −log σ(z) = softplus(−z)
    const right = softplus(neg(z));
    if (epsilon === 0) return right;
    const wrong = mul(softplus(z), epsilon);
    const weighted = mul(right, 1 - epsilon);
    if (name === 'robust') return div(sub(weighted, wrong), 1 - 2 * epsilon);
    return add(weighted, wrong);
  });
}

/** p·L(h) + (1 − p)·L(−h): a loss of the better completion where the label is a probability. */
export function softly(loss: (h: Tensor1D) => Tensor1D, h: Tensor1D, p: Tensor1D): Tensor1D {
  return tidy(() => add(mul(p, loss(h)), mul(sub(1, p), loss(neg(h)))));
}

/**
 * p (h − 1/2τ)² + (1 − p)(h + 1/2τ)²: online IPO, and with completions from the mixture IPO-MD (2403.08635). With y and y'
 * from π its expected gradient is −(4/τ) E[∇log π(y) (P(y ≻ π) − ½ − τ log π(y)/μ(y))], self-play's.
 * @param h `[B]`
 * @param p P(y ≻ y') `[B]`
 */
export function ipoLoss(h: Tensor1D, p: Tensor1D, klCoef: number): Tensor1D {
  checkPositive('ipoLoss, klCoef', klCoef);
  return softly((x) => square(sub(x, 1 / (2 * klCoef))), h, p);
}

/**
 * (h − (P(y ≻ q) − P(y' ≻ q))/τ)²: online IPO against any opponent q, the loss of EGPO (2503.08942). With y and y' from π its
 * expected gradient is −(4/τ) ∇[P(π ≻ q) − τ KL(π‖μ)].
 * @param h `[B]`
 * @param margin P(y ≻ q) − P(y' ≻ q), or a draw of it `[B]`
 * @param klCoef τ > 0
 */
export function egpoLoss(h: Tensor1D, margin: Tensor1D, klCoef: number): Tensor1D {
  checkPositive('egpoLoss, klCoef', klCoef);
  return tidy(() => square(sub(h, div(margin, klCoef))));
}

/**
 * (log π(y)/π_t(y) − η (P(y ≻ π_t) − ½))² for both completions (SPPO, 2405.00675, eq. 4.7); TRL's `sppo_hard` has 0/1 for P.
 * @param ratio log π(y)/π_t(y) `[B]`
 * @param otherRatio the same of y'
 * @param win P(y ≻ π_t) `[B]`
 * @param otherWin the same of y'
 * @param inverseStep 1/η > 0
 */
export function sppoLoss(
  ratio: Tensor1D,
  otherRatio: Tensor1D,
  win: Tensor1D,
  otherWin: Tensor1D,
  inverseStep: number,
): Tensor1D {
  checkPositive('sppoLoss, inverseStep', inverseStep);
  const one = (x: Tensor1D, p: Tensor1D): Tensor1D => square(sub(x, div(sub(p, 0.5), inverseStep)));
  return tidy(() => add(one(ratio, win), one(otherRatio, otherWin)));
}

/**
 * Cross-entropy of σ(η̂ (log π/π_t(y) − log π/π_t(y'))) with σ(r(y) − r(y')), r(y) = P(y ≻ π_t) (DNO, 2404.03715).
 * @param difference log π(y)/π_t(y) − log π(y')/π_t(y') `[B]`
 * @param advantage P(y ≻ π_t) − P(y' ≻ π_t) `[B]`
 * @param inverseStep η̂ > 0
 */
export function dnoLoss(difference: Tensor1D, advantage: Tensor1D, inverseStep: number): Tensor1D {
  checkPositive('dnoLoss, inverseStep', inverseStep);
  return tidy(() => {
    const z = mul(difference, inverseStep) as Tensor1D;
    // −q log σ(z) − (1 − q) log σ(−z) = softplus(z) − q z, q = σ(r(y) − r(y'))
    return sub(softplus(z), mul(div(1, add(1, exp(neg(advantage)))), z));
  });
}

/**
 * p (h_t − 1/2η̂)² + (1 − p)(h_t + 1/2η̂)²,
 * h_t = log π(y)/π(y') − (τ/η̂) log μ(y)/μ(y') − (1 − τ/η̂) log π_t(y)/π_t(y')      (INPO, 2407.00617)
 * @param own log π(y) − log π(y') `[B]`
 * @param reference the same of μ
 * @param previous the same of π_t
 * @param p P(y ≻ y') `[B]`
 * @param inverseStep η̂ ≥ τ
 */
export function inpoLoss(
  own: Tensor1D,
  reference: Tensor1D,
  previous: Tensor1D,
  p: Tensor1D,
  { klCoef, inverseStep }: { klCoef: number; inverseStep: number },
): Tensor1D {
  checkPositive('inpoLoss, klCoef', klCoef);
  const share = klCoef / inverseStep;
  checkOption(
    'inverseStep',
    inverseStep,
    share <= 1 + 1e-12,
    `at least klCoef = ${klCoef}: μ and π_t are weighed with τ/η̂`,
  );
  return tidy(() =>
    ipoLoss(sub(sub(own, mul(reference, share)), mul(previous, 1 - share)) as Tensor1D, p, inverseStep),
  );
}
