// What the encoder reads and the decoder writes, for each objective.
import type { Rng } from '@gimbal/tensor-core';
import { checkKnown, checkName } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import { checkThat } from '../space/check-size.ts';
import { checkNoise, corruption, type NoiseTokens } from './corrupt.ts';
import type { Noise, Objective } from './round-trip.ts';
import type { TokenRow } from './training-rows.ts';

/** The noise of `dae` in a mixture where none is given. */
const usualNoise: Noise = { drop: 0.3 };

const kinds = ['ae', 'dae', 'rtt', 'rtt-reverse', 'mix'] as const;

/** The objective with all that is left out filled in. @throws ConfigError (`CONFIG`) */
export function checkedObjective(o: Objective): Objective {
  checkThat('objective', typeof o === 'object' && o !== null, o, `{ kind } of ${kinds.join(', ')}`);
  checkName('objective.kind', o.kind, kinds);
  const given = { dae: ['noise'], mix: ['weights', 'noise'] }[o.kind as string] ?? [];
  checkKnown('objective', o, ['kind', ...given]);
  if (o.kind === 'dae') {
    const noise = o.noise ?? usualNoise;
    checkNoise('objective.noise', noise);
    return { kind: 'dae', noise };
  }
  if (o.kind !== 'mix') return { kind: o.kind };
  const noise = o.noise ?? usualNoise;
  checkNoise('objective.noise', noise);
  checkThat('objective.weights', typeof o.weights === 'object' && o.weights !== null, o.weights, 'ae, dae, rtt');
  checkKnown('objective.weights', o.weights, ['ae', 'dae', 'rtt']);
  const weights = Object.values(o.weights);
  checkThat(
    'objective.weights',
    weights.every((w) => Number.isFinite(w) && w >= 0),
    o.weights,
    'numbers ≥ 0',
  );
  checkThat(
    'objective.weights',
    weights.some((w) => w > 0),
    o.weights,
    'one of them > 0',
  );
  return { kind: 'mix', weights: o.weights, noise };
}

/** Whether an objective reads or writes round trips. */
export const needsRoundTrips = (o: Objective): boolean =>
  o.kind === 'rtt' || o.kind === 'rtt-reverse' || (o.kind === 'mix' && (o.weights.rtt ?? 0) > 0);

/** An input and its target, EOS included. */
export interface Example {
  readonly input: Int32Array;
  readonly target: Int32Array;
}

/** A round trip of a row, drawn anew. */
export type DrawRoundTrip = (row: TokenRow, rng: Rng) => Int32Array;

/** One of the row's round trips, each equally likely. @throws DataError (`ROUND_TRIP`) for a row without */
export const drawCandidate: DrawRoundTrip = (row, rng) => {
  if (row.candidates.length > 0) return rng.choice(row.candidates);
  throw refusal('ROUND_TRIP', {
    where: 'objective',
    what: 'a row has no round trip',
    fix: 'Build them with buildRoundTrips',
  });
};

/** The example of a row. */
export type ExampleOf = (row: TokenRow, rng: Rng) => Example;

/**
 * What makes examples of rows. @param o with all that is left out filled in
 * @throws ConfigError (`CONFIG`) for noise that the vocabulary has no tokens for
 */
export function exampler(o: Objective, tokens: NoiseTokens, draw: DrawRoundTrip): ExampleOf {
  switch (o.kind) {
    case 'ae':
      return ({ source }) => ({ input: source, target: source });
    case 'dae': {
      const corrupted = corruption(o.noise, tokens);
      return ({ source }, rng) => ({ input: corrupted(source, rng), target: source });
    }
    case 'rtt':
      return (row, rng) => ({ input: draw(row, rng), target: row.source });
    case 'rtt-reverse':
      return (row, rng) => ({ input: row.source, target: draw(row, rng) });
    case 'mix': {
      const { ae = 0, dae = 0, rtt = 0 } = o.weights;
      const one = (kind: 'ae' | 'rtt'): ExampleOf => exampler({ kind }, tokens, draw);
      const plain = one('ae');
      const denoised = dae > 0 ? exampler({ kind: 'dae', noise: o.noise ?? usualNoise }, tokens, draw) : plain;
      const returned = one('rtt');
      return (row, rng) => {
        const place = rng.uniform() * (ae + dae + rtt);
        return (place < ae ? plain : place < ae + dae ? denoised : returned)(row, rng);
      };
    }
  }
}
