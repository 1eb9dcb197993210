// What is put into a buffer, and asked of it, by whoever holds one.
import { ConfigError, NumericalError, ShapeError } from '@gimbal/tensor-core';

/** The parts of a transition that are looked at. */
interface Checked {
  obs: ArrayLike<number>;
  action: ArrayLike<number>;
  nextObs: ArrayLike<number>;
  reward: number;
  discount: number;
}

/**
 * @param n the copy
 * @param sizes copies, numbers of an observation and of a stored action
 * @throws ConfigError for a copy that there is not, ShapeError for rows of another width, NumericalError for a reward or
 * discount that is not finite
 */
export function checkTransition(
  n: number,
  t: Checked,
  sizes: { numEnvs: number; observation: number; action: number },
): void {
  const where = 'ReplayBuffer.add';
  if (!(Number.isInteger(n) && n >= 0 && n < sizes.numEnvs))
    throw new ConfigError({ where, what: 'no such copy', got: n, wanted: `0 to ${sizes.numEnvs - 1}` });
  checkWidth('obs', t.obs, sizes.observation);
  checkWidth('action', t.action, sizes.action);
  checkWidth('nextObs', t.nextObs, sizes.observation);
  if (!Number.isFinite(t.reward)) throw new NumericalError({ where, what: 'the reward is not finite', got: t.reward });
  if (!Number.isFinite(t.discount))
    throw new NumericalError({ where, what: 'the discount is not finite', got: t.discount });
}

function checkWidth(part: string, row: ArrayLike<number>, width: number): void {
  if (row.length !== width)
    throw new ShapeError({ where: `ReplayBuffer.add, ${part}`, what: 'wrong width', got: row.length, wanted: width });
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
