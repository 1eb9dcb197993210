// From rows to the loss of a batch.
import { padBatch, type Tokenizer } from '@gimbal/language-models';
import type { LossResult, Params, Rng, TokenBatch } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';
import { type DrawRoundTrip, drawCandidate, type Example, type ExampleOf, needsRoundTrips } from '../data/objective.ts';
import type { Objective } from '../data/round-trip.ts';
import type { Overflow, TokenRow } from '../data/training-rows.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2TextConfig } from '../model/config.ts';
import type { Vec2TextModule } from '../model/module.ts';
import { lengthMask, rowsOfBatch } from '../model/token-rows.ts';
import { lossSum } from '../model/vec2text.ts';
import { plainTokens } from '../text/text-rows.ts';

/** How often a round trip that is too long is drawn again. */
const tries = 8;

/**
 * A function's round trips as tokens. One that is too long is drawn again, and where that does not help the sentence stands
 * for it, of which `warn` is told once; or it is cut, or refused by its sentence.
 */
function drawnRoundTrips(
  roundTrip: (source: string, rng: Rng) => string,
  tokenizer: Tokenizer,
  { maxLength, eosId }: Vec2TextConfig,
  { overflow, warn }: { overflow: Overflow; warn?: ((message: string) => void) | undefined },
): DrawRoundTrip {
  let told = false;
  return ({ text, source }, rng) => {
    const where = `roundTrip of ‘${text}’`;
    for (let left = tries; left > 0; left--) {
      const ids = plainTokens(where, tokenizer, roundTrip(text, rng));
      if (ids.length < maxLength || overflow === 'cut')
        return Int32Array.of(...Array.from(ids).slice(0, maxLength - 1), eosId);
      if (overflow === 'drop') continue;
      const wanted = `at most ${maxLength - 1}`;
      throw refusal('TOO_LONG', { where, what: 'it is longer than the model, in tokens', got: ids.length, wanted });
    }
    if (!told)
      warn?.(`${where} was too long ${tries} times: the sentence stands for it, as it does for others like it`);
    told = true;
    return source;
  };
}

/** Where round trips come from: the rows' own, or a function that makes them anew. @throws DataError (`ROUND_TRIP`) for a row without */
export function roundTripsOf(
  objective: Objective,
  rows: readonly TokenRow[],
  roundTrip: ((source: string, rng: Rng) => string) | undefined,
  tokenizer: Tokenizer,
  config: Vec2TextConfig,
  o: { overflow: Overflow; warn?: ((message: string) => void) | undefined },
): DrawRoundTrip {
  if (roundTrip !== undefined) return drawnRoundTrips(roundTrip, tokenizer, config, o);
  const without = needsRoundTrips(objective) ? rows.findIndex(({ candidates }) => candidates.length === 0) : -1;
  if (without >= 0) {
    const what = `row ${without} has no round trip`;
    const fix = 'Give candidates, or a function roundTrip; buildRoundTrips makes them';
    throw refusal('ROUND_TRIP', { where: `objective ${objective.kind}`, what, fix });
  }
  return drawCandidate;
}

/** The examples of rows; row i draws from a stream of its own. */
export const examplesOf = (exampleOf: ExampleOf, rows: readonly TokenRow[], rng: Rng): Example[] =>
  rows.map((row, i) => exampleOf(row, rng.split(i)));

/** Σ −log p over a batch's target tokens, and their number. */
export function batchLoss(
  module: Vec2TextModule,
  params: Params,
  examples: readonly Example[],
  terms: { zNoise: number; klCoef: number },
  rng: Rng,
): LossResult {
  const { config, space } = module;
  const [input, target] = [examples.map((e) => e.input), examples.map((e) => e.target)].map((rows) =>
    padBatch(rows, config.padId),
  ) as [TokenBatch, TokenBatch];
  const { ids, width, lengths } = target;
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const mask = tokens === ids.length ? undefined : lengthMask(target);
  const batch = { rows: rowsOfBatch(input), target: tensor2d(ids, [lengths.length, width], 'int32'), mask, ...terms };
  return { sum: lossSum(params, config, space, batch, rng), weight: tokens };
}
