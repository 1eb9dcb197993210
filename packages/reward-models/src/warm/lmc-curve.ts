// Linear mode connectivity: whether accuracy holds on the line between two models (WARM eq. 2).
//   Acc(r of (1 − λ) φ₁ + λ φ₂) ≥ (1 − λ) Acc(r of φ₁) + λ Acc(r of φ₂)
import { ConfigError, DataError, disposeTree, interpolateTrees, type Params } from '@gimbal/tensor-core';
import { accuracyOfMargins } from '../evaluation/accuracy.ts';

/** Differences of score, better less worse, of the pairs of a test set under given parameters. */
export type MarginFn = (params: Params) => Promise<ArrayLike<number>>;

/** A point of the line. */
export interface LmcPoint {
  /** Share of the second model. */
  readonly lambda: number;
  /** Accuracy of the interpolated weights. */
  readonly wa: number;
  /** Accuracy of the interpolated predictions. */
  readonly ens: number;
  /** The interpolated accuracies. */
  readonly diag: number;
  /** Mean Bradley–Terry loss of the interpolated weights. */
  readonly waLoss: number;
}

/**
 * Yields the curve between two models; at most three models are in memory.
 * @param margins on pairs that neither training nor selection saw
 * @param lambdas each in [0, 1] (0, .25, .5, .75, 1)
 * @throws ConfigError for a share out of range, before anything is computed; CheckpointError for trees that differ;
 * DataError without margins, for one that is no number, or where their number changes
 */
export async function* lmcCurve(
  margins: MarginFn,
  a: Params,
  b: Params,
  lambdas: readonly number[] = [0, 0.25, 0.5, 0.75, 1],
): AsyncGenerator<LmcPoint> {
  const out = lambdas.find((lambda) => !(lambda >= 0 && lambda <= 1));
  if (out !== undefined) {
    const wanted = 'a number from 0 to 1';
    throw new ConfigError({ where: 'lmcCurve.lambdas', what: 'out of range', got: out, wanted });
  }
  const [first, second] = [Array.from(await margins(a)), Array.from(await margins(b))];
  const checkCount = (found: readonly number[]): void => {
    if (found.length === first.length) return;
    const what = 'the number of margins changes';
    throw new DataError({ where: 'lmcCurve', what, got: found.length, wanted: first.length });
  };
  checkCount(second);
  const [accA, accB] = [accuracyOfMargins(first).value, accuracyOfMargins(second).value];
  for (const lambda of lambdas) {
    const between = interpolateTrees(a, b, lambda) as Params;
    let found: number[];
    try {
      found = Array.from(await margins(between));
    } finally {
      disposeTree(between);
    }
    checkCount(found);
    yield {
      lambda,
      wa: accuracyOfMargins(found).value,
      ens: accuracyOfMargins(first.map((m, i) => (1 - lambda) * m + lambda * (second[i] as number))).value,
      diag: (1 - lambda) * accA + lambda * accB,
      waLoss: found.reduce((sum, m) => sum + Math.max(-m, 0) + Math.log1p(Math.exp(-Math.abs(m))), 0) / found.length,
    };
  }
}

/**
 * The most by which accuracy on the line falls below the line of accuracies; 0 or less: connected.
 * @throws DataError without points
 */
export function lmcBarrier(curve: readonly LmcPoint[]): number {
  if (curve.length === 0) throw new DataError({ where: 'lmcBarrier', what: 'the curve has no points' });
  return curve.reduce((most, { wa, diag }) => Math.max(most, diag - wa), Number.NEGATIVE_INFINITY);
}
