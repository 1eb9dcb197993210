// Which actions an environment allows, `info.actionMask`: read in one way by agents, checkers and random policies.
import { ConfigError, type ErrorDetails } from '../errors.ts';
import type { Space } from './spaces.ts';

/**
 * Choices of each component of an action, side by side in a mask; a bit has two, for 0 and for 1.
 * @returns undefined where nothing can be masked: boxes, tuples, dictionaries
 */
export function actionChoices(space: Space): readonly number[] | undefined {
  if (space.kind === 'discrete') return [space.n];
  if (space.kind === 'multi-discrete') return space.nvec;
  if (space.kind !== 'multi-binary') return undefined;
  return new Array<number>(space.shape.reduce((size, n) => size * n, 1)).fill(2);
}

/**
 * The mask of an info, as it was given; undefined where it has none.
 * @param where names the mask in the error
 * @throws ConfigError for `info.action_mask`, as Gymnasium and PettingZoo spell it, which nobody would read
 */
export function givenActionMask(
  info: { readonly actionMask?: unknown; readonly action_mask?: unknown } | undefined,
  where: () => string,
): unknown {
  if (info?.actionMask === undefined && info?.action_mask !== undefined) {
    const fix = 'Name it actionMask, for each choice 1 where it is allowed and 0 where not';
    throw new ConfigError({ where: where(), what: 'it is named as Gymnasium names it', got: 'info.action_mask', fix });
  }
  return info?.actionMask;
}

/**
 * Reads a mask: 1 or true = allowed, 0 or false = not.
 * @param choices of each component, `actionChoices`; undefined: nothing can be masked
 * @param where names the mask in the error
 * @param o.mayBeEmpty nothing may be allowed: after the end of an episode nothing is chosen
 * @param o.out filled from entry `o.at` (default 0) on, 1 = allowed `[Σ choices]`; where there is a fault, only a part
 * @returns the ConfigError, not thrown, of what is no list, has another length, holds anything else, or allows nothing of
 * a component; undefined for a mask
 */
export function actionMaskFault(
  mask: unknown,
  choices: readonly number[] | undefined,
  where: () => string,
  o: { mayBeEmpty?: boolean; out?: Uint8Array; at?: number } = {},
): ConfigError | undefined {
  const { mayBeEmpty = false, out, at = 0 } = o;
  const fault = (details: Omit<ErrorDetails, 'where'>): ConfigError => new ConfigError({ where: where(), ...details });
  if (choices === undefined) return fault({ what: 'it masks an action without choices', fix: leaveOut });
  let width = 0;
  for (const n of choices) width += n;
  if (!isList(mask)) {
    const got = typeof mask === 'string' ? 'a string' : String(mask);
    return fault({ what: 'it is no list', got, wanted: `${width} of 0 or 1`, fix: leaveOut });
  }
  if (mask.length !== width) return fault({ what: 'wrong length', got: mask.length, wanted: String(width) });
  let j = 0;
  for (let component = 0; component < choices.length; component++) {
    let some = mayBeEmpty;
    for (const end = j + (choices[component] as number); j < end; j++) {
      const value = mask[j];
      const isAllowed = value === 1 || value === true;
      if (!isAllowed && value !== 0 && value !== false) {
        const got = typeof value === 'number' ? value : `${typeof value} ${String(value)}`;
        const wanted = '1 or true where the action is allowed, 0 or false elsewhere';
        return fault({ what: `entry ${j} says neither`, got, wanted });
      }
      if (out !== undefined) out[at + j] = isAllowed ? 1 : 0;
      some ||= isAllowed;
    }
    if (!some)
      return fault({
        what: `every action of component ${component} is masked`,
        wanted: 'at least one that is allowed',
      });
  }
  return undefined;
}

const leaveOut = 'Leave actionMask out where every action is allowed';

const isList = (mask: unknown): mask is ArrayLike<unknown> =>
  typeof mask === 'object' && mask !== null && typeof (mask as { length?: unknown }).length === 'number';
