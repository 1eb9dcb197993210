/**
 * Where a trainer's batches come from. A source knows where it stands, so that a resumed run sees the batches that the
 * interrupted one would have seen.
 */
export interface BatchSource<B> {
  /** The next batch. Called inside the step's scope: tensors made here are freed after the step. */
  next(): B;
  /** Where it stands, as JSON; small. */
  state(): unknown;
  /** Goes to where `state()` was called. */
  restore(state: unknown): void;
}

/** A source of something made from each batch: rows from indices, token batches from rows. */
export function mapBatches<A, B>(source: BatchSource<A>, f: (batch: A) => B): BatchSource<B> {
  return { next: () => f(source.next()), state: () => source.state(), restore: (s) => source.restore(s) };
}

/** A source that gives the same batch for ever. */
export function oneBatch<B>(batch: B): BatchSource<B> {
  return { next: () => batch, state: () => null, restore: () => {} };
}
