/** What is wrong with an action. Values outside the box are no fault: physics clamps them, as in Gymnasium. */
import type { Action, MultiBinarySpace, MultiDiscreteSpace, Space } from '@gimbal/tensor-core';
import { elementsOf } from '../spaces/spaces.ts';

export interface ActionFault {
  what: string;
  /** the element at fault; none if the whole action is */
  index?: number;
  got: unknown;
  wanted: unknown;
}

/** The square of anything larger leaves float32, in which rewards are kept. */
const largest = 1e18;

/** Whether every number can be an action of a box, those of many copies too. Creates nothing. */
export function areActions(actions: ArrayLike<number>): boolean {
  for (let i = 0; i < actions.length; i++) if (!(Math.abs(actions[i] as number) <= largest)) return false;
  return true;
}

/** The first fault of an action, or undefined. Creates nothing for a good one. */
export function actionFault(space: Space, action: Action): ActionFault | undefined {
  if (space.kind === 'discrete') {
    const start = space.start ?? 0;
    if (typeof action === 'number' && Number.isInteger(action) && action >= start && action < start + space.n) {
      return undefined;
    }
    return { what: 'no such action', got: action, wanted: `a whole number from ${start} to ${start + space.n - 1}` };
  }
  if (space.kind === 'dict' || space.kind === 'tuple') return undefined;
  const size = elementsOf(space);
  if (typeof action === 'number' || action?.length !== size) {
    const got = typeof action === 'number' ? action : action?.length;
    return { what: 'action of wrong shape', got, wanted: `a Float32Array of ${size}` };
  }
  if (space.kind !== 'box') return choiceFault(space, action);
  for (let i = 0; i < size; i++) {
    const a = action[i] as number;
    if (!(Math.abs(a) <= largest)) {
      const what = Number.isFinite(a) ? 'is too large for a finite reward' : 'is not finite';
      return { what, index: i, got: a, wanted: 'a finite number' };
    }
  }
  return undefined;
}

/** The first component that is none of its values. */
function choiceFault(space: MultiDiscreteSpace | MultiBinarySpace, action: ArrayLike<number>): ActionFault | undefined {
  for (let i = 0; i < action.length; i++) {
    const [value, count] = [action[i] as number, space.kind === 'multi-binary' ? 2 : (space.nvec[i] as number)];
    if (Number.isInteger(value) && value >= 0 && value < count) continue;
    return { what: 'is no such choice', index: i, got: value, wanted: `a whole number from 0 to ${count - 1}` };
  }
  return undefined;
}
