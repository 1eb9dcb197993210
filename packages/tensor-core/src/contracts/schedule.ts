/**
 * A number that may change while training: a constant, or a function of the step.
 * `step` counts from 0: `schedule(0)` is the value used by the first update.
 */
export type Schedule = number | ((step: number) => number);
