// Numbers that move with the updates: 0..1@100 goes from 0 to 1 in the first hundred, in a straight line, and stays.
import type { Schedule } from '@gimbal/tensor-core';

/** A number that moves: where it begins and ends, and in how many updates; undefined where none are named. */
export interface Moving {
  start: number;
  end: number;
  steps: number | undefined;
}

/** What `text` says, where it says from what to what; else undefined. */
export function readMoving(text: string): Moving | undefined {
  const [, from, to, updates] = /^([^@]+)\.\.([^@]+?)(?:@(\d+))?$/.exec(text) ?? [];
  const [start, end] = [Number(from), Number(to)];
  const steps = updates === undefined ? undefined : Number(updates);
  if (from === undefined || !Number.isFinite(start) || !Number.isFinite(end) || steps === 0) return undefined;
  return { start, end, steps };
}

/** The value of each update. */
export const moves = ({ start, end }: Moving, steps: number): Schedule => {
  return (step) => start + (end - start) * Math.min(step / steps, 1);
};
