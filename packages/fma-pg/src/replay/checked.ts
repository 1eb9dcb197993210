// What is put into a buffer, and asked of it, by whoever holds one.
import { ConfigError, NumericalError, ShapeError } from '@gimbal/tensor-core';
import { checkNumbers, checkParts } from '../internal/given.ts';
import { dropped, isPromise } from '../rollout/env-faults.ts';

/** The parts of a transition that are looked at. */
interface Checked {
  obs: ArrayLike<number>;
  action: ArrayLike<number>;
  nextObs: ArrayLike<number>;
  reward: number;
  discount: number;
  nextMask?: ArrayLike<number>;
}

/**
 * @param n the copy
 * @param sizes copies, numbers of an observation and of a stored action, choices of masks so far
 * @throws ConfigError for a copy that there is not, DataError for what is no transition, ShapeError for rows or masks of
 * another width, NumericalError for a reward or discount that is not finite
 */
export function checkTransition(
  n: number,
  t: Checked,
  sizes: { numEnvs: number; observation: number; action: number; choices: number | undefined },
): void {
  const where = 'ReplayBuffer.add';
  checkParts(where, t, '{ obs, action, reward, nextObs, discount, episode }');
  if (!(Number.isInteger(n) && n >= 0 && n < sizes.numEnvs))
    throw new ConfigError({ where, what: 'no such copy', got: n, wanted: `0 to ${sizes.numEnvs - 1}` });
  checkWidth('obs', t.obs, sizes.observation);
  checkWidth('action', t.action, sizes.action);
  checkWidth('nextObs', t.nextObs, sizes.observation);
  if (t.nextMask !== undefined) {
    checkNumbers(`${where}, nextMask`, t.nextMask);
    checkWidth('nextMask', t.nextMask, sizes.choices ?? Math.max(1, t.nextMask.length));
  }
  if (!Number.isFinite(t.reward)) throw new NumericalError({ where, what: 'the reward is not finite', got: t.reward });
  if (!Number.isFinite(Math.fround(t.reward))) {
    const fix = 'Scale the rewards down: nStep sums them';
    throw new NumericalError({ where, what: 'the reward is beyond float32', got: t.reward, wanted: 'to 3.4e38', fix });
  }
  if (!Number.isFinite(t.discount))
    throw new NumericalError({ where, what: 'the discount is not finite', got: t.discount });
}

function checkWidth(part: string, row: ArrayLike<number>, width: number): void {
  checkNumbers(`ReplayBuffer.add, ${part}`, row);
  if (row.length !== width)
    throw new ShapeError({ where: `ReplayBuffer.add, ${part}`, what: 'wrong width', got: row.length, wanted: width });
}

/**
 * What an environment's `computeReward` gave for another goal.
 * @throws ConfigError for what is no `{ reward, terminated }`, NumericalError for a reward that is not finite in float32
 */
export function checkPaid(given: unknown, where: string): { reward: number; terminated: boolean } {
  const wanted = '{ reward, terminated }: a number and a boolean, at once';
  const paid = given as { reward?: unknown; terminated?: unknown; then?: unknown } | null | undefined;
  if (typeof paid !== 'object' || paid === null || isPromise(paid)) {
    if (isPromise(paid)) dropped(paid);
    const got = isPromise(paid) ? 'a promise' : String(paid);
    throw new ConfigError({ where, what: 'it gave no result', got, wanted });
  }
  const { reward, terminated } = paid;
  if (typeof reward !== 'number')
    throw new ConfigError({ where, what: 'the reward is no number', got: typeof reward, wanted });
  if (typeof terminated !== 'boolean')
    throw new ConfigError({ where, what: 'terminated is no boolean', got: String(terminated), wanted });
  if (!Number.isFinite(Math.fround(reward)))
    throw new NumericalError({ where, what: 'the reward is not finite', got: reward, wanted: 'a finite number' });
  return { reward, terminated };
}

/**
 * @param isWritten whether a row holds a transition
 * @throws ShapeError for another number of errors, ConfigError for a row without a transition, NumericalError for an error that is not finite
 */
export function checkPriorities(
  indices: ArrayLike<number>,
  errors: ArrayLike<number>,
  isWritten: (i: number) => boolean,
): void {
  const where = 'ReplayBuffer.setPriorities';
  checkNumbers(`${where}, indices`, indices);
  checkNumbers(`${where}, errors`, errors);
  if (errors.length !== indices.length)
    throw new ShapeError({ where, what: 'another number of errors', got: errors.length, wanted: indices.length });
  for (let k = 0; k < indices.length; k++) {
    const i = indices[k] as number;
    if (!isWritten(i)) throw new ConfigError({ where, what: 'nothing was written there', got: i });
    if (Number.isFinite(errors[k])) continue;
    const fix = 'Lower the learning rate, or scale the rewards';
    throw new NumericalError({ where, what: `the error of row ${i} is not finite`, got: errors[k], fix });
  }
}

/** What is known of the memory of this machine, bytes: nothing in a page. */
function machineBytes(): number {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: 'node:os'): { totalmem(): number } } };
  return process?.getBuiltinModule?.('node:os').totalmem() ?? Number.POSITIVE_INFINITY;
}

/**
 * Arrays of a buffer.
 * @param capacity rows
 * @param rowBytes bytes of one
 * @param make allocates them
 * @throws ConfigError where they do not fit into the machine's memory, before they are made, or into an array
 */
export function inMemory<T>(capacity: number, rowBytes: number, make: () => T): T {
  const refused = (wanted: string, cause?: unknown): ConfigError =>
    new ConfigError({
      where: 'buffer.capacity',
      what: `${capacity} transitions of ${rowBytes} bytes do not fit into memory`,
      got: capacity,
      wanted,
      fix: 'Give a smaller capacity',
      cause,
    });
  const bytes = machineBytes();
  if (capacity * rowBytes > bytes) throw refused(`at most ${Math.floor(bytes / rowBytes)} on this machine`);
  try {
    return make();
  } catch (error) {
    // by name: it may come from another realm
    if ((error as Error).name !== 'RangeError') throw error;
    throw refused('fewer', error);
  }
}
