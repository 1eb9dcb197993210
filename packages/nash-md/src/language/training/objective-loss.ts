/** The loss of a micro-batch, by objective, and what is logged of it. */
import { type LossResult, type Params, schedules, stopGradient, type TokenBatch } from '@gimbal/tensor-core';
import { add, mul, type Scalar, sub, sum, type Tensor, type Tensor1D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import {
  dnoLoss,
  dpoLoss,
  egpoLoss,
  inpoLoss,
  ipoLoss,
  isLengthNormalised,
  softly,
  sppoLoss,
} from '../losses/pair-losses.ts';
import { policyGradientLoss } from '../losses/policy-gradient.ts';
import { inverseStepAt, isPolicyGradient, klCoefAt, type ResolvedNashMd } from './nash-md-options.ts';
import type { Samples, Side } from './samples.ts';

/** Differentiable in `params`; called in the loop's scope. */
export function objectiveLoss(
  o: ResolvedNashMd,
  params: Params,
  s: Samples,
  step: number,
  reference: Params,
): LossResult {
  const { opponent, ends } = o;
  const mixtureCoef = opponent.kind === 'mixture' ? schedules.scheduleAt(opponent.mixtureCoef, step) : 0;
  const klCoef = klCoefAt(o, step) * (o.deploy === 'mixture' ? 1 - mixtureCoef : 1);
  const B = s.prompts.lengths.length;
  const gradient = (side: Side, wins: Float32Array): ReturnType<typeof policyGradientLoss> =>
    policyGradientLoss(params, {
      ...{ policy: o.policy, prompts: s.prompts, estimator: o.klEstimator, reference },
      ...heldTo(side, klCoef, inverseStepAt(o, step)),
      advantages: advantagesOf(o, side, wins),
    });
  const isGradient = isPolicyGradient(o.objective);
  const { sum: own, logProbs } = isGradient ? gradient(s.own, s.wins) : pairLoss(o, params, s, { klCoef, step });
  const total = isGradient && s.other ? mul<Scalar>(add(own, gradient(s.other, s.otherWins).sum), 0.5) : own;
  const { tokens, mask } = s.own;
  const shape: [number, number] = [B, tokens.width];
  const perToken = tensor2d(
    Float32Array.from(mask, (m, i) => m / Math.max(1, tokens.lengths[Math.floor(i / tokens.width)] as number)),
    shape,
  );
  return {
    sum: total,
    weight: B,
    metrics: {
      winRate: s.wins.reduce((a, b) => a + b, 0) / B,
      kl: mul(sum(mul(sub(logProbs, tensor2d(s.own.reference, shape)), tensor2d(mask, shape))), 1 / B) as Scalar,
      entropy: mul(sum(mul(logProbs, perToken)), -1 / B) as Scalar,
      length: tokens.lengths.reduce((a, b) => a + b, 0) / B,
      eosRate: endedOf(tokens, ends.eosIds.length > 0) / B,
      klCoef,
      mixtureCoef,
    },
  };
}

/**
 * What a policy gradient is held to: the reference with τ and, of Nash-MP, π_t with 1/η. Their log-ratios add up, so they are
 * one: τ log π/μ + (1/η) log π/π_t = (τ + 1/η) log π/ρ with log ρ the weighted mean of log μ and log π_t.
 */
function heldTo(side: Side, klCoef: number, inverseStep: number): { side: Side; klCoef: number } {
  const { previous } = side;
  if (previous === undefined) return { side, klCoef };
  const both = klCoef + inverseStep;
  const reference = side.reference.map((x, i) => (klCoef * x + inverseStep * (previous[i] as number)) / both);
  return { side: { ...side, reference }, klCoef: both };
}

/** P(y ≻ y') − ½, less the penalty where a completion was cut. */
function advantagesOf({ missingEos }: ResolvedNashMd, { tokens }: Side, wins: Float32Array): Float32Array {
  const { ended } = tokens;
  const penalty = ended === undefined ? 0 : (missingEos?.penalty ?? 0);
  return wins.map((p, b) => p - 0.5 - (ended?.[b] === 0 ? penalty : 0));
}

function pairLoss(
  o: ResolvedNashMd,
  params: Params,
  s: Samples,
  { klCoef, step }: { klCoef: number; step: number },
): { sum: Scalar; logProbs: Tensor } {
  const other = s.other as Side;
  const own = player(o, params, s.prompts, s.own);
  const rival = player(o, params, s.prompts, other);
  const p = tensor1d(s.pairs);
  const inverseStep = inverseStepAt(o, step);
  const apart = (a: Tensor1D, b: Tensor1D): Tensor1D => sub(a, b);
  const loss = (): Tensor1D => {
    switch (o.objective) {
      case 'egpo':
        return egpoLoss(
          apart(apart(own.total, own.reference), apart(rival.total, rival.reference)),
          tensor1d(s.wins.map((w, b) => w - (s.otherWins[b] as number))),
          klCoef,
        );
      case 'sppo':
        return sppoLoss(
          apart(own.total, own.previous),
          apart(rival.total, rival.previous),
          tensor1d(s.wins),
          tensor1d(s.otherWins),
          inverseStep,
        );
      case 'dno':
        return dnoLoss(
          apart(apart(own.total, own.previous), apart(rival.total, rival.previous)),
          tensor1d(s.wins.map((w, b) => w - (s.otherWins[b] as number))),
          inverseStep,
        );
      case 'inpo':
        return inpoLoss(
          apart(own.total, rival.total),
          apart(own.reference, rival.reference),
          apart(own.previous, rival.previous),
          p,
          { klCoef, inverseStep },
        );
      case 'online-dpo': {
        const normal = isLengthNormalised(o.dpoLoss);
        const ratio = (x: Player): Tensor1D => {
          const r = apart(x.total, x.reference);
          return normal ? mul(r, x.perToken) : r;
        };
        return softly((h) => dpoLoss(h, { dpoLoss: o.dpoLoss, klCoef }), apart(ratio(own), ratio(rival)), p);
      }
      default:
        return ipoLoss(apart(apart(own.total, own.reference), apart(rival.total, rival.reference)), p, klCoef);
    }
  };
  return { sum: sum(loss()) as Scalar, logProbs: own.logProbs };
}

interface Player {
  /** log π of each token, no gradient `[B, T]` */
  logProbs: Tensor;
  /** log π of the whole `[B]` */
  total: Tensor1D;
  reference: Tensor1D;
  previous: Tensor1D;
  /** 1/tokens */
  perToken: Tensor1D;
}

function player({ policy }: ResolvedNashMd, params: Params, prompts: TokenBatch, side: Side): Player {
  const { tokens } = side;
  const shape: [number, number] = [tokens.lengths.length, tokens.width];
  const logProbs = mul(policy.logProbs(params, prompts, tokens), tensor2d(side.mask, shape));
  const totals = (x: Float32Array): Tensor1D => sum(tensor2d(x, shape), 1);
  return {
    logProbs: stopGradient(logProbs),
    total: sum(logProbs, 1),
    reference: totals(side.reference),
    previous: totals(side.previous ?? side.reference),
    perToken: tensor1d(Float32Array.from(tokens.lengths, (n) => 1 / Math.max(1, n))),
  };
}

/** How many rows ended by themselves. */
function endedOf({ ended, lengths }: TokenBatch, canEnd: boolean): number {
  if (ended !== undefined) return ended.reduce((a, b) => a + b, 0);
  return canEnd ? 0 : lengths.length;
}
