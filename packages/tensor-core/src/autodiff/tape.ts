// What this library needs to know of tfjs's gradient tape. All of it is public in the engine's types.
import { engine } from '@tensorflow/tfjs-core';

/**
 * Frees what a gradient computation saved for its backward pass when it ended by an exception: tfjs leaves the saved
 * tensors alive. Does nothing inside another gradient computation, whose tape it still is.
 */
export function freeAbandonedTape(): void {
  const { state } = engine();
  if (state.gradientDepth > 0 || state.activeTape == null) return;
  for (const node of state.activeTape) for (const t of node.saved ?? []) t.dispose();
  state.activeTape = null as never; // as tfjs itself leaves it
}

/** Runs f, which computes gradients of its own inside a backward pass, without losing the outer tape. */
export function withOwnTape<R>(f: () => R): R {
  const { state } = engine();
  if (state.gradientDepth > 0) return f(); // higher-order: everything goes on the one tape
  const outer = state.activeTape;
  try {
    return f();
  } catch (error) {
    freeAbandonedTape();
    throw error;
  } finally {
    state.activeTape = outer;
  }
}
