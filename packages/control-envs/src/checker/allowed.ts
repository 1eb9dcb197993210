// Random actions that an environment allows: those that `info.actionMask` of its last reset or step does not mask.
import { type Action, actionChoices, actionMaskFault, type Env, type Info, type Rng } from '@gimbal/tensor-core';
import { sample } from '../spaces/value.ts';

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
  const choices = actionChoices(space);
  if (mask === undefined || choices === undefined || actionMaskFault(mask, choices, () => '') !== undefined)
    return sample(space, stream) as Action;
  const flags = Array.from(mask as ArrayLike<number | boolean>, Number);
  if (space.kind === 'discrete') return sample(space, stream, flags) as Action;
  const parts = partsOf(flags, choices) as number[][];
  const drawn = parts.map((part) => sample({ kind: 'discrete', n: part.length }, stream, part) as number);
  // bits are bytes, as `sample` gives them
  return space.kind === 'multi-binary' ? (Uint8Array.from(drawn) as unknown as Action) : Float32Array.from(drawn);
}
