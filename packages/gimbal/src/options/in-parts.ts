// Coefficients that change in a run: one number, or several, each for an equal part of the updates.
import type { Schedule } from '@gimbal/tensor-core';
import { z } from 'zod';

/** An option of one number, or of several with commas between. @param one what each of them may be */
export const partsOption = (one: z.ZodNumber): z.ZodUnion<[z.ZodNumber, z.ZodArray<z.ZodNumber>]> =>
  z.union([one, z.array(one).min(1)]);

/** The value of each update: of n numbers the k-th holds for the k-th n-th of the run. */
export function inParts(values: number | readonly number[], steps: number): Schedule {
  const all = [values].flat();
  if (all.length === 1) return all[0] as number;
  return (step) => all[Math.min(all.length - 1, Math.floor((step * all.length) / steps))] as number;
}
