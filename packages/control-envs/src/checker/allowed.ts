// Random actions that an environment allows: those that `info.actionMask` of its last reset or step does not mask.
import type { Action, Env, Info, Rng, Space } from '@gimbal/tensor-core';
import { elementsOf } from '../spaces/spaces.ts';
import { sample } from '../spaces/value.ts';

/** Choices of each component of an action, two of each bit; undefined where nothing can be masked. */
function choicesOf(space: Space): readonly number[] | undefined {
  if (space.kind === 'discrete') return [space.n];
  if (space.kind === 'multi-binary') return new Array<number>(elementsOf(space)).fill(2);
  return space.kind === 'multi-discrete' ? space.nvec : undefined;
}

/** What is wrong with a mask, or undefined. @param ended after an episode nothing is chosen, and all may be masked */
export function maskFault(space: Space, mask: unknown, ended: boolean): string | undefined {
  const choices = choicesOf(space);
  if (choices === undefined) return `it masks an action of kind ${space.kind}, which has no choices`;
  const width = choices.reduce((sum, n) => sum + n, 0);
  if (typeof mask !== 'object' || mask === null || typeof (mask as ArrayLike<unknown>).length !== 'number')
    return `it is no list of ${width} flags`;
  const flags = Array.from(mask as ArrayLike<unknown>);
  if (flags.length !== width) return `its length is ${flags.length}, not ${width}`;
  const odd = flags.findIndex((flag) => ![0, 1, true, false].includes(flag as number));
  if (odd >= 0) return `entry ${odd} is ${String(flags[odd])}, neither 0 nor 1`;
  const none = partsOf(flags, choices).findIndex((part) => part.every((flag) => !flag));
  return none >= 0 && !ended ? `it allows nothing of component ${none}` : undefined;
}

const partsOf = (flags: readonly unknown[], choices: readonly number[]): unknown[][] => {
  let end = 0;
  return choices.map((n) => {
    end += n;
    return flags.slice(end - n, end);
  });
};

/** A random action; a mask that is faulty, or no info at all, allows everything. */
export function drawAllowed({ actionSpace: space }: Env, info: Info | undefined, stream: Rng): Action {
  const mask = info?.actionMask;
  const choices = choicesOf(space);
  if (mask === undefined || choices === undefined || maskFault(space, mask, false) !== undefined)
    return sample(space, stream) as Action;
  const flags = Array.from(mask as ArrayLike<number | boolean>, Number);
  if (space.kind === 'discrete') return sample(space, stream, flags) as Action;
  const parts = partsOf(flags, choices) as number[][];
  const drawn = parts.map((part) => sample({ kind: 'discrete', n: part.length }, stream, part) as number);
  // bits are bytes, as `sample` gives them
  return space.kind === 'multi-binary' ? (Uint8Array.from(drawn) as unknown as Action) : Float32Array.from(drawn);
}
