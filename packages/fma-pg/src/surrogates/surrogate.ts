/**
 * What a surrogate loss is: a pure function of log-probabilities and advantages, the same for control agents ([B]) and
 * token policies ([B, T]). With x = log p_θ(a|s) − log p_t(a|s), ρ = exp x, all are means of some f(x, Â), and all but
 * mpo have the policy gradient −Â∇log p_θ at x = 0. FMA-PG (arXiv 2108.05828), sections 3 and 4; equations stand with each.
 */
import {
  ConfigError,
  checkKnown,
  checkName,
  DataError,
  isTensor,
  NumericalError,
  ShapeError,
  stopGradient,
} from '@gimbal/tensor-core';
import {
  abs,
  add,
  cast,
  clipByValue,
  div,
  exp,
  greater,
  max,
  mean,
  mul,
  neg,
  type Scalar,
  scalar,
  sub,
  sum,
  type Tensor,
  tidy,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type Anneal, annealedWithin, type Range } from '../internal/anneal.ts';
import { checkParts } from '../internal/given.ts';

/** What a surrogate is computed from. */
export interface SurrogateInput {
  /** log p_θ(a|s), `[B]` or `[B, T]` */
  logProbs: Tensor;
  /** log p_t(a|s) of the policy that acted, the same shape; no gradient */
  oldLogProbs: Tensor;
  /** Â, the same shape; no gradient */
  advantages: Tensor;
  /** 1 = counts; padding, prompt tokens and autoreset steps do not. The same shape; default all */
  mask?: Tensor;
  /** KL per entry in closed form, where the distribution gives it; else it is estimated from the samples */
  kl?: {
    /** KL(p_t ‖ p_θ) */
    forward?: Tensor;
    /** KL(p_θ ‖ p_t) */
    reverse?: Tensor;
  };
  /** share of the run that is done, for options that change with it; default 0 */
  progress?: number;
}

/** Scalars without gradient. */
export interface SurrogateStats {
  /** mean KL(p_t ‖ p_θ), by k3 where no closed form is given */
  klForward: Scalar;
  /** mean KL(p_θ ‖ p_t) */
  klReverse: Scalar;
  /** share of entries outside the clipping band; 0 without one */
  clipFraction: Scalar;
  /** largest p_θ/p_t */
  ratioMax: Scalar;
  /** share of entries whose advantage was raised to −1/η */
  clampedShare: Scalar;
  /** share of entries whose log ρ was beyond ±20 and is held there, where it has no gradient */
  heldShare: Scalar;
}

/** A loss and what it looks like inside. */
export interface SurrogateResult {
  /** to be minimised */
  loss: Scalar;
  /** for the log */
  stats: SurrogateStats;
}

/**
 * The caller's scope owns what it returns. `name` and `options` say how to make it again.
 * It throws ShapeError where shapes differ, and DataError for a mask without a token, whose mean does not exist.
 */
export type Surrogate = ((x: SurrogateInput) => SurrogateResult) & {
  /** its name among `surrogates` */
  readonly surrogate: string;
  /** what it was made with, and how it averages where its ratio is not of a token */
  readonly options: Readonly<Record<string, unknown>>;
  /** true: it reads no value of a tensor but the mask's, so that steps with it can be captured and replayed, which is faster */
  readonly replay?: boolean;
  /** throws where an option that changes over the run is out of range at this share of it; default: nothing is looked at */
  readonly check?: (progress: number) => void;
};

/**
 * How entries become one number. 'token-mean': Σ masked/Σ mask; 'sequence-mean': the mean over rows of each row's mean;
 * 'row-mean': Σ masked/B, so that longer rows weigh more. The same for `[B]` without a mask.
 */
export type Aggregate = 'token-mean' | 'sequence-mean' | 'row-mean';

/**
 * Whose ratio p_θ/p_t is taken and clipped. 'token': each token's own; 'sequence': that of the whole row, exp Σx, as TRL's
 * RLOO (Ahmadian et al., arXiv 2402.14740); 'geometric': the mean of a row's, exp(Σx/length), as GSPO (arXiv 2507.18071,
 * which TRL calls `importance_sampling_level: 'sequence'`). All tokens of a row have its ratio, and so want one advantage.
 */
export type RatioLevel = 'token' | 'sequence' | 'geometric';

export interface SurrogateOptions {
  /** default 'token-mean'; 'sequence-mean' where the ratio is a row's */
  aggregate?: Aggregate;
}

/** Options of surrogates whose ratio may be a row's. */
export interface RatioOptions extends SurrogateOptions {
  /** default 'token'; others want rows of tokens, `[B, T]` */
  ratioLevel?: RatioLevel;
}

/** What a surrogate's formula works with. */
export interface Entries {
  /** x = log ρ, within ±20; of its row where the ratio is the row's */
  logRatio: Tensor;
  advantages: Tensor;
  /** Σ over entries by the aggregate */
  mean(t: Tensor): Scalar;
  /** @param option its name, for the message where it is out of range by now */
  at(option: string, value: Anneal, range: Range): number;
  forwardKl(): Tensor;
  reverseKl(): Tensor;
  mask: Tensor | undefined;
}

/** exp of more is meaningless, and infinite a little later */
export const logRatioLimit = 20;

/** What a formula gives: the objective to maximise, and shares to log. */
export interface Formula {
  objective: Scalar;
  /** 1 where an entry is outside the band */
  clipped?: Tensor;
  /** 1 where an advantage was clamped */
  clamped?: Tensor;
}

/**
 * The options of a surrogate, before any is read.
 * @param known their names, beside those that every surrogate has
 * @throws ConfigError for one that is not there, and for what is no object
 */
export function optionsOf<O extends SurrogateOptions>(
  surrogate: string,
  options: O,
  known: readonly (keyof O & string)[],
): O {
  checkKnown(surrogate, options, [...known, 'aggregate']);
  return options;
}

/**
 * @param options those of `optionsOf`, each of them valid
 * @param replay false where the formula reads values back
 */
export function defineSurrogate<O extends RatioOptions>(
  surrogate: string,
  options: O,
  formula: (e: Entries) => Formula,
  replay = true,
): Surrogate {
  const { ratioLevel = 'token' } = options;
  checkName(`${surrogate}.ratioLevel`, ratioLevel, ['token', 'sequence', 'geometric']);
  const ofRows = ratioLevel !== 'token';
  const { aggregate = ofRows ? 'sequence-mean' : 'token-mean' } = options;
  checkName(`${surrogate}.aggregate`, aggregate, ['token-mean', 'sequence-mean', 'row-mean']);
  const f = (x: SurrogateInput): SurrogateResult => {
    checkShapes(surrogate, x);
    const { mask, progress = 0 } = x;
    const average = averaging(surrogate, aggregate, mask);
    const ofTokens = sub(x.logProbs, x.oldLogProbs);
    const raw = ofRows ? rowRatios(surrogate, ratioLevel, ofTokens, mask) : ofTokens;
    const logRatio = held(raw);
    const still = stopGradient(logRatio);
    // a KL is logged per token, whatever the ratio is of
    const stillTokens = ofRows ? stopGradient(held(ofTokens)) : still;
    const entries: Entries = {
      logRatio,
      advantages: x.advantages,
      mean: average,
      at: (option, value, range) => annealedWithin(`${surrogate}.${option}`, value, progress, range),
      forwardKl: () => x.kl?.forward ?? k3Forward(logRatio),
      reverseKl: () => x.kl?.reverse ?? k3Reverse(logRatio),
      mask,
    };
    const { objective, clipped, clamped } = formula(entries);
    const share = (t: Tensor | undefined): Scalar => (t === undefined ? scalar(0) : average(cast(t, 'float32')));
    const ratios = mask === undefined ? exp(still) : mul(exp(still), mask);
    const stats: SurrogateStats = {
      klForward: average(x.kl?.forward === undefined ? k3Forward(stillTokens) : stopGradient(x.kl.forward)),
      klReverse: average(x.kl?.reverse === undefined ? k3Reverse(stillTokens) : stopGradient(x.kl.reverse)),
      clipFraction: share(clipped),
      ratioMax: max(ratios),
      clampedShare: share(clamped),
      heldShare: share(outside(raw, -logRatioLimit, logRatioLimit)),
    };
    return { loss: neg(objective), stats };
  };
  const made = { ...options, ...(ofRows && { aggregate }) } as Record<string, unknown>;
  // the formula asks for its options: of one entry it is cheap
  const check = (progress: number): void =>
    tidy(() => {
      const one = zeros([1, 1]);
      f({ logProbs: one, oldLogProbs: one, advantages: one, progress });
    });
  return Object.assign(f, { surrogate, options: made, replay, ...(hasFunction(options) && { check }) });
}

/** A schedule of one's own, in an option or in a part of one. */
const hasFunction = (x: unknown): boolean =>
  typeof x === 'function' || (typeof x === 'object' && x !== null && Object.values(x).some(hasFunction));

const held = (x: Tensor): Tensor => clipByValue(x, -logRatioLimit, logRatioLimit);

/**
 * Log-ratios of rows, at each of their tokens.
 * @throws ShapeError where there are no rows of tokens
 */
function rowRatios(where: string, level: Exclude<RatioLevel, 'token'>, x: Tensor, mask: Tensor | undefined): Tensor {
  if (x.rank !== 2) {
    const wanted = '[B, T]: rows of tokens';
    throw new ShapeError({
      where: `${where}.ratioLevel`,
      what: `a ratio '${level}' is of a row`,
      got: x.shape,
      wanted,
    });
  }
  const sums = sum(mask === undefined ? x : mul(x, mask), 1, true); // [B, 1]
  const ofRow = level === 'sequence' ? sums : div(sums, tokensOf(x, mask));
  return add(ofRow, zerosLike(x)); // [B, T]
}

/** Tokens of each row that count, 1 for a row without any. [B, 1] */
function tokensOf(x: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return scalar(x.shape[1] ?? 1);
  const counts = sum(mask, 1, true);
  return add(counts, cast(greater(1e-6, counts), 'float32'));
}

/** Forward KL of samples from p_t: k3 = (ρ − 1) − x ≥ 0, with the exact gradient p_θ − p_t in expectation. */
export const k3Forward = (x: Tensor): Tensor => sub(sub(exp(x), 1), x);

/** Reverse KL of samples from p_t: ρx − (ρ − 1) ≥ 0. */
const k3Reverse = (x: Tensor): Tensor => {
  const ratio = exp(x);
  return sub(mul(ratio, x), sub(ratio, 1));
};

/** 1 where x lies outside ±band. */
export const outside = (x: Tensor, low: number, high: number): Tensor => {
  const [centre, half] = [(low + high) / 2, (high - low) / 2];
  return greater(abs(sub(stopGradient(x), centre)), half);
};

/**
 * The mean of entries, as a surrogate takes it.
 * @throws DataError for a mask without a token, whose mean does not exist
 */
export function averaging(where: string, aggregate: Aggregate, mask: Tensor | undefined): (t: Tensor) => Scalar {
  if (mask === undefined) {
    if (aggregate !== 'row-mean') return (t) => mean<Scalar>(t);
    return (t) => div<Scalar>(sum(t), t.shape[0] ?? 1);
  }
  // read from the mask, whose values came from the host: a sum would have to be waited for
  if (!mask.dataSync().some((m) => m !== 0))
    throw new DataError({ where, what: 'the mask has no token', fix: 'Leave a batch without tokens out' });
  const masked = (t: Tensor): Tensor => mul(t, mask);
  if (aggregate === 'row-mean') return (t) => div<Scalar>(sum(masked(t)), t.shape[0] ?? 1);
  if (aggregate === 'token-mean' || mask.rank === 1) {
    const count = sum(mask);
    return (t) => div<Scalar>(sum(masked(t)), count);
  }
  // rows without a token count 0
  const counts = tokensOf(mask, mask);
  return (t) => mean<Scalar>(div(sum(masked(t), 1, true), counts));
}

function checkShapes(where: string, input: SurrogateInput): void {
  checkParts(where, input, '{ logProbs, oldLogProbs, advantages }');
  const { logProbs, oldLogProbs, advantages, mask, kl } = input;
  for (const [name, t] of Object.entries({ logProbs, oldLogProbs, advantages })) checkTensor(where, name, t);
  const wanted = String(logProbs.shape);
  const others = { oldLogProbs, advantages, mask, 'kl.forward': kl?.forward, 'kl.reverse': kl?.reverse };
  for (const [name, t] of Object.entries(others)) {
    if (t === undefined) continue;
    checkTensor(where, name, t);
    if (String(t.shape) === wanted) continue;
    throw new ShapeError({
      where,
      what: `${name} has another shape than logProbs`,
      got: t.shape,
      wanted: `[${wanted}]`,
    });
  }
}

/** @throws ConfigError for what is no tensor */
export function checkTensor(where: string, name: string, got: unknown): void {
  if (isTensor(got)) return;
  const what = got === undefined ? `${name} is missing` : `${name} is no tensor`;
  throw new ConfigError({ where, what, ...(got !== undefined && { got: typeof got }), wanted: 'a tensor' });
}

/**
 * Refuses log-probabilities of a sampler that the trainer does not agree with: before the first inner step every x must
 * be 0 to rounding.
 * @param logRatios log p_θ − log p_t
 * @throws NumericalError
 */
export function checkSameLogProbs(where: string, logRatios: Float32Array, tolerance = 1e-4): void {
  let most = 0;
  for (const x of logRatios) most = Math.max(most, Math.abs(x));
  if (most <= tolerance) return;
  throw new NumericalError({
    where,
    what: 'before the first update, log-probabilities differ from those of the sampled actions',
    got: most,
    wanted: `at most ${tolerance}`,
    fix: 'Recompute oldLogProbs with the trainer: the sampler runs other kernels, precision or temperature',
  });
}
