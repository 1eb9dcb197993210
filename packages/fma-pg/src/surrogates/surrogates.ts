/**
 * The losses by name. Each is −E[f(x, Â)] with x = log ρ; E is over samples of the policy that acted.
 */
import { ConfigError, checkKnown, checkName, checkOption, logSumExp, stopGradient } from '@gimbal/tensor-core';
import {
  add,
  clipByValue,
  exp,
  less,
  maximum,
  minimum,
  mul,
  neg,
  type Scalar,
  sub,
  sum,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { type Anneal, annealed, checkAnneal, notNegative, positive, type Range } from '../internal/anneal.ts';
import {
  defineSurrogate,
  type Entries,
  type Formula,
  k3Forward,
  optionsOf,
  outside,
  type RatioOptions,
  type Surrogate,
  type SurrogateOptions,
} from './surrogate.ts';

/** What each surrogate has where its options do not say. */
export const surrogateDefaults = {
  reinforce: {},
  ratio: {},
  ppoClip: { clipEpsilon: 0.2 },
  ppoKl: { klCoef: 1 },
  mdpo: { eta: 1 },
  smdpo: { eta: 1, klEstimator: 'analytic', negativeWeight: 'clamp' },
  sppo: { clipEpsilon: 0.2, pessimistic: true },
  spma: { eta: 1 },
  mpo: { temperature: 1 },
} as const satisfies { readonly [surrogate: string]: { readonly [option: string]: unknown } };

const within = (where: string, value: Anneal, { good, wanted }: Range): void => checkAnneal(where, value, good, wanted);

/** 1 − ε of a clip of probabilities must stay above 0 */
const belowOne: Range = { good: (x) => x >= 0 && x < 1, wanted: 'a number in [0, 1)' };

/** A x: REINFORCE and A2C; the softmax representation's linear term. With several inner steps nothing holds it back. */
function reinforce(o: SurrogateOptions = {}): Surrogate {
  return defineSurrogate('reinforce', optionsOf('reinforce', o, []), ({ logRatio, advantages, mean }) => ({
    objective: mean(mul(advantages, logRatio)),
  }));
}

/** ρA: CPI's and TRPO's linear term, the direct representation's. */
function ratio(o: RatioOptions = {}): Surrogate {
  return defineSurrogate('ratio', optionsOf('ratio', o, ['ratioLevel']), ({ logRatio, advantages, mean }) => ({
    objective: mean(mul(exp(logRatio), advantages)),
  }));
}

export interface PpoClipOptions extends RatioOptions {
  /** ε, or the distances below and above 1 apart, each of which may change over the run; default .2 */
  clipEpsilon?: Anneal | { low: Anneal; high: Anneal };
}

/**
 * min(ρA, clip(ρ, 1 − ε, 1 + ε)A): PPO (arXiv 1707.06347, eq. 7); with `ratioLevel: 'sequence'` the loss of TRL's RLOO, with
 * 'geometric' GSPO's.
 */
function ppoClip(o: PpoClipOptions = {}): Surrogate {
  const { clipEpsilon = surrogateDefaults.ppoClip.clipEpsilon } = optionsOf('ppoClip', o, [
    'clipEpsilon',
    'ratioLevel',
  ]);
  const sides = clipSides(clipEpsilon);
  return defineSurrogate('ppoClip', o, ({ logRatio, advantages, mean, at }) => {
    const [low, high] = [at('clipEpsilon', sides.low, belowOne), at('clipEpsilon', sides.high, sides.ofHigh)];
    const rho = exp(logRatio);
    const clipped = clipByValue(rho, 1 - low, 1 + high);
    return {
      objective: mean(minimum(mul(rho, advantages), mul(clipped, advantages))),
      clipped: outside(rho, 1 - low, 1 + high),
    };
  });
}

/** @throws ConfigError for sides out of range, and where one of two is missing */
function clipSides(clipEpsilon: NonNullable<PpoClipOptions['clipEpsilon']>): {
  low: Anneal;
  high: Anneal;
  ofHigh: Range;
} {
  const where = 'ppoClip.clipEpsilon';
  // ε may fall to 0 by the end of a run, where the last update stands still; at the start nothing would be learnt
  const check = (name: string, value: Anneal, range: Range): void => {
    within(name, value, range);
    checkOption(name, value, annealed(value, 0) > 0, 'more than 0 at the start');
  };
  const isOne = typeof clipEpsilon !== 'object' || clipEpsilon === null || 'from' in clipEpsilon || 'to' in clipEpsilon;
  if (isOne) {
    check(where, clipEpsilon, belowOne);
    return { low: clipEpsilon, high: clipEpsilon, ofHigh: belowOne };
  }
  checkKnown(where, clipEpsilon, ['low', 'high']);
  for (const side of ['low', 'high'] as const)
    if (clipEpsilon[side] === undefined)
      throw new ConfigError({ where: `${where}.${side}`, what: 'it is missing', wanted: '{ low, high }' });
  check(`${where}.low`, clipEpsilon.low, belowOne);
  check(`${where}.high`, clipEpsilon.high, notNegative);
  return { ...clipEpsilon, ofHigh: notNegative };
}

export interface PpoKlOptions extends SurrogateOptions {
  /** β; the agent adapts it where it is told a target; default 1 */
  klCoef?: Anneal | (() => number);
}

/** ρA − β KL(p_t ‖ p_θ): PPO's penalty form (eq. 8), TRPO's as a penalty. */
function ppoKl(o: PpoKlOptions = {}): Surrogate {
  const { klCoef = surrogateDefaults.ppoKl.klCoef } = optionsOf('ppoKl', o, ['klCoef']);
  within('ppoKl.klCoef', klCoef, notNegative);
  return defineSurrogate('ppoKl', o, ({ logRatio, advantages, mean, at, forwardKl }) => ({
    objective: mean(sub(mul(exp(logRatio), advantages), mul(forwardKl(), at('klCoef', klCoef, notNegative)))),
  }));
}

export interface MdpoOptions extends SurrogateOptions {
  /** default 1 */
  eta?: Anneal;
}

/** ρA − KL(p_θ ‖ p_t)/η: MDPO (arXiv 2005.09814), the direct representation with negative entropy. */
function mdpo(o: MdpoOptions = {}): Surrogate {
  const { eta = surrogateDefaults.mdpo.eta } = optionsOf('mdpo', o, ['eta']);
  within('mdpo.eta', eta, positive);
  return defineSurrogate('mdpo', o, ({ logRatio, advantages, mean, at, reverseKl }) => ({
    objective: mean(sub(mul(exp(logRatio), advantages), mul(reverseKl(), 1 / at('eta', eta, positive)))),
  }));
}

export interface SmdpoOptions extends SurrogateOptions {
  /** default 1 */
  eta?: Anneal;
  /** 'analytic' (default): the closed form where it is given, else k3; 'k1': −x, the merged form (Â + 1/η) x */
  klEstimator?: 'analytic' | 'k1' | 'k3';
  /**
   * where 1 + ηÂ < 0 the surrogate has no upper bound: 'clamp' (default) raises Â to −1/η, as the closed form's
   * max(1 + ηA, 0); 'keep' does nothing; 'error' is for checks: it reads the advantages back
   */
  negativeWeight?: 'clamp' | 'keep' | 'error';
}

/** Â x − KL(p_t ‖ p_θ)/η: sMDPO, the softmax representation with log-sum-exp (FMA-PG, section 4). */
function smdpo(o: SmdpoOptions = {}): Surrogate {
  const {
    eta = surrogateDefaults.smdpo.eta,
    klEstimator = surrogateDefaults.smdpo.klEstimator,
    negativeWeight = surrogateDefaults.smdpo.negativeWeight,
  } = optionsOf('smdpo', o, ['eta', 'klEstimator', 'negativeWeight']);
  within('smdpo.eta', eta, positive);
  checkName('smdpo.klEstimator', klEstimator, ['analytic', 'k1', 'k3']);
  checkName('smdpo.negativeWeight', negativeWeight, ['clamp', 'keep', 'error']);
  const formula = ({ logRatio, advantages, mean, at, forwardKl }: Entries): Formula => {
    const least = -1 / at('eta', eta, positive);
    if (negativeWeight === 'error') refuseBelow(advantages, least);
    const weights = negativeWeight === 'clamp' ? maximum(advantages, least) : advantages;
    const kl = klEstimator === 'k1' ? neg(logRatio) : klEstimator === 'k3' ? k3Forward(logRatio) : forwardKl();
    return {
      objective: mean(add(mul(weights, logRatio), mul(kl, least))),
      ...(negativeWeight === 'clamp' && { clamped: less(advantages, least) }),
    };
  };
  return defineSurrogate('smdpo', o, formula, negativeWeight !== 'error');
}

function refuseBelow(advantages: Tensor, least: number): void {
  const worst = advantages.dataSync<'float32'>().reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  if (worst >= least) return;
  throw new ConfigError({
    where: 'smdpo.negativeWeight',
    what: 'an advantage below −1/η makes the surrogate unbounded',
    got: worst,
    wanted: `at least ${least}`,
    fix: "Use negativeWeight: 'clamp', or a smaller eta",
  });
}

export interface SppoOptions extends RatioOptions {
  /** ε: the band is ±log(1 + ε); default .2 */
  clipEpsilon?: Anneal;
  /** the minimum with the unclipped term, which pulls back what drifted the wrong way; default true */
  pessimistic?: boolean;
}

/** min(A x, A clip(x, ±log(1 + ε))): sPPO. (Not Self-Play Preference Optimisation, which is also called SPPO.) */
function sppo(o: SppoOptions = {}): Surrogate {
  const { clipEpsilon = surrogateDefaults.sppo.clipEpsilon, pessimistic = surrogateDefaults.sppo.pessimistic } =
    optionsOf('sppo', o, ['clipEpsilon', 'pessimistic', 'ratioLevel']);
  within('sppo.clipEpsilon', clipEpsilon, positive);
  checkOption('sppo.pessimistic', pessimistic, typeof pessimistic === 'boolean', 'true or false');
  return defineSurrogate('sppo', o, ({ logRatio, advantages, mean, at }) => {
    const band = Math.log1p(at('clipEpsilon', clipEpsilon, notNegative));
    const inside = mul(advantages, clipByValue(logRatio, -band, band));
    return {
      objective: mean(pessimistic ? minimum(mul(advantages, logRatio), inside) : inside),
      clipped: outside(logRatio, -band, band),
    };
  });
}

/** A x − (ρ − 1 − x)/η: SPMA (arXiv 2411.12042), sMDPO with the k3 estimate. */
function spma(o: MdpoOptions = {}): Surrogate {
  const { eta = surrogateDefaults.spma.eta } = optionsOf('spma', o, ['eta']);
  within('spma.eta', eta, positive);
  return defineSurrogate('spma', o, ({ logRatio, advantages, mean, at }) => ({
    objective: mean(sub(mul(advantages, logRatio), mul(k3Forward(logRatio), 1 / at('eta', eta, positive)))),
  }));
}

export interface MpoOptions extends SurrogateOptions {
  /** λ; default 1 */
  temperature?: Anneal;
}

/** Σ w x, w ∝ exp(A/λ) over the batch: MPO's M-step (arXiv 1806.06920) and AWR's. sMDPO's 1 + ηA is its first order. */
function mpo(o: MpoOptions = {}): Surrogate {
  const { temperature = surrogateDefaults.mpo.temperature } = optionsOf('mpo', o, ['temperature']);
  within('mpo.temperature', temperature, positive);
  if (o.aggregate !== undefined)
    throw new ConfigError({
      where: 'mpo.aggregate',
      what: 'its weights sum to 1 over the batch: there is nothing else to average by',
      got: o.aggregate,
      fix: 'Leave it out',
    });
  return defineSurrogate('mpo', o, ({ logRatio, advantages, at, mask }) => {
    const scaled = mul(advantages, 1 / at('temperature', temperature, positive));
    // entries that do not count get no weight
    const logits = mask === undefined ? scaled : sub(scaled, mul(sub(1, mask), 1e9));
    const weights = stopGradient(exp(sub(logits, logSumExp(logits))));
    return { objective: sum<Scalar>(mul(weights, logRatio)) };
  });
}

/** Pure losses of log-probabilities and advantages. */
export const surrogates = { reinforce, ratio, ppoClip, ppoKl, mdpo, smdpo, sppo, spma, mpo } as const;

/** One of the names in `surrogates`. */
export type SurrogateName = keyof typeof surrogates;

/** The surrogate that a name and options describe: how a checkpoint gives it back. */
export function surrogateOf(name: string, options: Readonly<Record<string, unknown>>): Surrogate {
  checkName('surrogate', name, Object.keys(surrogates));
  return surrogates[name as SurrogateName](options as never);
}

/** Which KL a surrogate wants in closed form, if the distribution has one. */
export const analyticKlOf = (s: Surrogate): 'forward' | 'reverse' | undefined =>
  s.surrogate === 'mdpo' ? 'reverse' : s.surrogate === 'smdpo' || s.surrogate === 'ppoKl' ? 'forward' : undefined;
