/**
 * Which actions the copies allow, `info.actionMask` of each: one row of bytes for each copy, so that masks come from
 * worker threads as observations do.
 */
import { actionChoices, actionMaskFault, type Env, givenActionMask, type Info } from '@gimbal/tensor-core';

export interface MaskArrays {
  /** 1 = allowed, of the observation `[numEnvs * choices]` */
  readonly allowed: Uint8Array;
  /** same-step: of the final observation, where an episode ended `[numEnvs * choices]` */
  readonly final: Uint8Array;
  /** 1 where an info brought a mask `[numEnvs]`; without one every action is allowed */
  readonly isGiven: Uint8Array;
  readonly isFinalGiven: Uint8Array;
}

/** @param bytes makes the memory of so many bytes */
export function maskArrays(template: Env, numEnvs: number, bytes: (size: number) => ArrayBufferLike): MaskArrays {
  const width = (actionChoices(template.actionSpace) ?? []).reduce((sum, n) => sum + n, 0);
  const make = (size: number): Uint8Array => new Uint8Array(bytes(size));
  return {
    allowed: make(numEnvs * width),
    final: make(numEnvs * width),
    isGiven: make(numEnvs),
    isFinalGiven: make(numEnvs),
  };
}

/** Nothing was said of copy `row`. */
export function clearMask({ isGiven, isFinalGiven }: MaskArrays, row: number): void {
  isGiven[row] = 0;
  isFinalGiven[row] = 0;
}

/**
 * What an info says of the actions of copy `row`.
 * @param o.ended nothing is chosen after the end: all may be masked
 * @param o.as 'final': of the observation before the reset
 * @throws ConfigError naming the copy, for what is no mask of its actions, and for the name that Gymnasium has for it
 */
export function writeMask(
  masks: MaskArrays,
  row: number,
  { actionSpace, spec }: Env,
  info: Info | undefined,
  { ended = false, as = 'allowed' }: { ended?: boolean; as?: 'allowed' | 'final' } = {},
): void {
  const where = (): string => `${spec?.id}, copy ${row}: info.actionMask`;
  const mask = givenActionMask(info, where);
  masks[as === 'final' ? 'isFinalGiven' : 'isGiven'][row] = mask === undefined ? 0 : 1;
  if (mask === undefined) return;
  const out = masks[as];
  const at = (row * out.length) / masks.isGiven.length;
  const fault = actionMaskFault(mask, actionChoices(actionSpace), where, { out, at, mayBeEmpty: ended });
  if (fault !== undefined) throw fault;
}

/** The masks of copy `row`, copies, as infos have them; undefined where it gave none. */
export function readMasks(masks: MaskArrays, row: number): Info | undefined {
  const { allowed, final, isGiven, isFinalGiven } = masks;
  if (isGiven[row] === 0 && isFinalGiven[row] === 0) return undefined;
  const width = allowed.length / isGiven.length;
  const of = (all: Uint8Array): Uint8Array => Uint8Array.from(all.subarray(row * width, (row + 1) * width));
  return {
    ...(isGiven[row] === 1 && { actionMask: of(allowed) }),
    ...(isFinalGiven[row] === 1 && { finalInfo: { actionMask: of(final) } }),
  };
}
