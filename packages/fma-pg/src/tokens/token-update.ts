// One update of a policy from credited tokens.
import {
  clipScale,
  NumericalError,
  type Optimizer,
  type OptimizerState,
  type Params,
  treeNorm,
  valueAndGradWithAux,
  zipTree,
} from '@gimbal/tensor-core';
import {
  add,
  clipByValue,
  exp,
  mul,
  type Scalar,
  scalar,
  stack,
  sub,
  type Tensor,
  type Tensor2D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { scoped } from '../internal/scoped.ts';
import {
  type Aggregate,
  averaging,
  checkSameLogProbs,
  logRatioLimit,
  type RatioOptions,
} from '../surrogates/surrogate.ts';
import { resultOf } from '../surrogates/surrogate-result.ts';
import type { Credited } from './token-credit.ts';
import { klCoefAt, type ResolvedTokenOptions } from './token-options.ts';
import { selectRows } from './token-rollout.ts';

/** What `updateOnTokens` counts, in this order. */
export const updateStats = [
  'loss',
  'klForward',
  'klReverse',
  'clipFraction',
  'ratioMax',
  'clampedShare',
  'heldShare',
  'gradNorm',
] as const;
/** places of the first, of the largest ratio and of the last */
const [lossAt, ratioAt, normAt] = [0, updateStats.indexOf('ratioMax'), updateStats.length - 1];

interface TokenUpdate {
  /** variables: changed */
  params: Params;
  optimizer: Optimizer;
  state: OptimizerState;
  credited: Credited;
  rate: number;
  /** steps done */
  step: number;
  /** share of the run that is done, 0 to 1: for options of the surrogate that change over it */
  progress: number;
  /** the ratio must be 1 */
  first: boolean;
}

/** One update on all completions, in micro-batches whose losses add up to the whole's. */
export function updateOnTokens(
  o: ResolvedTokenOptions,
  { params, optimizer, state, credited: c, rate, step, progress, first }: TokenUpdate,
): Float64Array {
  const B = c.groups.length;
  const klCoef = o.klIn === 'loss' ? klCoefAt(o, step) : 0;
  const share = o.klMixing === 'convex' ? 1 - klCoef : 1; // of the surrogate, as of the reward where the KL is in it
  return scoped(() => {
    let grads: Params | undefined;
    const totals = new Float64Array(updateStats.length);
    for (let from = 0; from < B; from += o.batchSize) {
      const to = Math.min(B, from + o.batchSize);
      const weight = shareOf(aggregateOf(o), c, from, to);
      if (weight === 0) continue;
      const klWeight = shareOf(klAggregateOf(o), c, from, to);
      const part = partOf(c, from, to);
      const {
        value,
        grads: g,
        aux,
      } = valueAndGradWithAux((p: Params) => {
        const logProbs = o.policy.logProbs(p, part.prompts, part.completions);
        const { loss, stats } = resultOf(o.surrogate, { ...part.input, logProbs, progress });
        const own = mul<Scalar>(loss, share * weight);
        const kl = klCoef === 0 ? undefined : referenceKl(logProbs, part, klAggregateOf(o));
        const { klForward, klReverse, clipFraction, ratioMax, clampedShare, heldShare } = stats;
        return {
          value: kl === undefined ? own : add<Scalar>(own, mul(kl, klCoef * klWeight)),
          aux: { stats: stack([klForward, klReverse, clipFraction, ratioMax, clampedShare, heldShare]), logProbs },
        };
      })(params);
      if (first) checkRatios(o, step, aux.logProbs, part.input.oldLogProbs, part.mask);
      totals[lossAt] = (totals[lossAt] as number) + (value.dataSync<'float32'>()[0] as number);
      for (const [i, s] of aux.stats.dataSync<'float32'>().entries()) {
        const [at, before] = [1 + i, totals[1 + i] as number];
        totals[at] = at === ratioAt ? Math.max(before, s) : before + weight * s;
      }
      grads = grads === undefined ? g : (zipTree(grads, g, (a, b) => add(a, b as Tensor)) as Params);
    }
    if (grads === undefined) return totals;
    const norm = treeNorm(grads);
    totals[normAt] = norm.dataSync<'float32'>()[0] as number;
    if (!Number.isFinite((totals[lossAt] as number) + totals[normAt]))
      throw notFinite(c, totals[lossAt] as number, totals[normAt], { step, first });
    const scale = o.maxGradNorm === undefined ? scalar(1) : clipScale(norm, o.maxGradNorm);
    optimizer.update(params, grads, state, rate, { gradientScale: scale });
    return totals;
  });
}

/** beyond it a square overflows float32, and with it every norm */
const mostAdvantage = 1e18;

function notFinite(
  { advantages }: Credited,
  loss: number,
  norm: number,
  { step, first }: { step: number; first: boolean },
): NumericalError {
  const where = `TokenPolicyTrainer, step ${step + 1}`;
  const left = `The parameters are those before this ${first ? 'step' : 'pass, with the earlier ones of the step in them'}`;
  const huge = advantages.find((a) => !(Math.abs(a) < mostAdvantage));
  if (huge !== undefined) {
    const wanted = `less than ${mostAdvantage.toExponential()} in size`;
    const fix = `${left}. Scale the rewards, which it is made from`;
    return new NumericalError({ where, what: 'an advantage is out of range', got: huge, wanted, fix });
  }
  const isLoss = !Number.isFinite(loss);
  return new NumericalError({
    where,
    what: `${isLoss ? 'the loss' : 'the gradient’s norm'} is not finite`,
    got: isLoss ? loss : norm,
    fix: `${left}. Lower the learning rate, or set maxGradNorm`,
  });
}

/** k3 to the reference, averaged over the tokens that count as the surrogate is (GRPO, arXiv 2402.03300, eq. 3 and 4). */
function referenceKl(logProbs: Tensor2D, part: { ref: Tensor2D; mask: Tensor2D }, aggregate: Aggregate): Scalar {
  // beyond ±20 exp says nothing more than that the tokens are given up
  const x = clipByValue(sub(part.ref, logProbs), -logRatioLimit, logRatioLimit);
  const k3 = sub(sub(exp(x), 1), x);
  return averaging('klIn', aggregate, part.mask)(k3);
}

const aggregateOf = ({ surrogate }: ResolvedTokenOptions): Aggregate =>
  (surrogate.options as RatioOptions).aggregate ?? 'token-mean';

/** Beside a ratio of whole completions stands the KL of whole completions, as where it is in the reward. */
const klAggregateOf = (o: ResolvedTokenOptions): Aggregate =>
  (o.surrogate.options as RatioOptions).ratioLevel === 'sequence' ? 'row-mean' : aggregateOf(o);

/** What a micro-batch weighs in a mean over all: its tokens, or its rows. */
function shareOf(aggregate: Aggregate, c: Credited, from: number, to: number): number {
  const { width } = c.completions;
  const count = (a: number, b: number): number => c.counted.subarray(a * width, b * width).reduce((n, m) => n + m, 0);
  const inside = count(from, to);
  if (inside === 0) return 0;
  return aggregate === 'token-mean' ? inside / count(0, c.groups.length) : (to - from) / c.groups.length;
}

function partOf(c: Credited, from: number, to: number) {
  const { width } = c.completions;
  const shape = [to - from, width] as [number, number];
  const cut = (x: Float32Array): Tensor2D => tensor2d(x.subarray(from * width, to * width), shape);
  const mask = cut(c.counted);
  return {
    prompts: selectRows(c.prompts, from, to),
    completions: selectRows(c.completions, from, to),
    mask,
    ref: cut(c.refLogProbs),
    input: { oldLogProbs: cut(c.logProbs), advantages: cut(c.advantages), mask },
  };
}

/** Before the first inner step the ratio must be 1. */
function checkRatios(o: ResolvedTokenOptions, step: number, logProbs: Tensor, old: Tensor, mask: Tensor): void {
  if (o.precision !== 'float32') return;
  const x = mul(sub(logProbs, old), mask).dataSync<'float32'>();
  checkSameLogProbs(`TokenPolicyTrainer, step ${step + 1}`, x);
}
