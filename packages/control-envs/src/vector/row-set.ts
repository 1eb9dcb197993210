/** Who steps the rows: this thread, or workers. */
import type { ResetPayload } from './protocol.ts';
import type { Rows } from './rows.ts';

export interface RowSet {
  readonly restarts: number;
  readonly workers: readonly { readonly alive: boolean; kill(): Promise<void> }[] | undefined;
  reset(payload: ResetPayload): Promise<void>;
  step(): Promise<void>;
  save(): Float64Array[];
  load(states: readonly Float64Array[]): void;
  close(): void;
}

/** All rows in this thread. */
export class LocalRows implements RowSet {
  readonly restarts = 0;
  readonly workers = undefined;
  readonly #rows: Rows;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  async reset({ seeds, mask, options }: ResetPayload): Promise<void> {
    this.#rows.reset(seeds, mask, options);
  }

  async step(): Promise<void> {
    this.#rows.step();
  }

  save(): Float64Array[] {
    return this.#rows.save();
  }

  load(states: readonly Float64Array[]): void {
    this.#rows.load(states);
  }

  close(): void {
    this.#rows.close();
  }
}
