// The oracle teacher: what comes next, given what the student itself wrote so far.
import { WorldError } from '../errors.ts';
import type { ArithmeticSettings } from './options.ts';
import { add } from './problem.ts';
import type { ArithmeticIds } from './vocabulary.ts';

/**
 * The next-token distribution after `prefix`: .9 on the result that follows from the *student's own* last result, .05
 * on each neighbour (preset `chain`); `<eos>` after the last result, `<pad>` after that. It is defined on any prefix:
 * where the student wrote something that is no digit, the teacher counts on from the last digit it wrote.
 * @returns probabilities [V], sum 1
 */
export function nextDistribution(
  prefix: ArrayLike<number>,
  promptLength: number,
  s: ArithmeticSettings,
  ids: ArithmeticIds,
  vocabularySize: number,
): Float64Array {
  if (promptLength !== s.steps + 2 || prefix.length < promptLength) {
    const wanted = `a prompt of ${s.steps + 2} ids in front`;
    throw new WorldError('data', { where: 'arithmetic.next', what: 'no whole prompt', got: promptLength, wanted });
  }
  const written = prefix.length - promptLength;
  const p = new Float64Array(vocabularySize).fill(s.smoothing / vocabularySize);
  const give = (id: number, probability: number): void => {
    p[id] = (p[id] as number) + (1 - s.smoothing) * probability;
  };

  if (written >= s.steps) {
    let ended = false;
    for (let i = promptLength; i < prefix.length; i++) ended ||= prefix[i] === ids.eos;
    give(ended ? ids.pad : ids.eos, 1);
    return p;
  }

  // count on from the student's last digit: result j stands after the first j operations
  const digit = (id: number | undefined): number | undefined =>
    id !== undefined && id >= ids.digit && id < ids.digit + s.modulus ? id - ids.digit : undefined;
  let from = written;
  while (from > 0 && digit(prefix[promptLength + from - 1]) === undefined) from--;
  let value = from > 0 ? (digit(prefix[promptLength + from - 1]) as number) : (digit(prefix[0]) ?? 0);
  for (let j = from; j <= written; j++) {
    value = add(value, s.operations[(prefix[1 + j] as number) - ids.operation] ?? 0, s.modulus);
  }
  give(ids.digit + value, s.correct);
  for (const step of [-1, 1]) give(ids.digit + add(value, step, s.modulus), (1 - s.correct) / 2);
  return p;
}
