// How many rows of the same episode follow a row of the replay buffer, without walking there at every draw.

/** What is looked at: a buffer's rings, one after the other. */
export interface Rings {
  /** rows of one ring */
  readonly perEnv: number;
  /** episode of each row; those of one stand in a row `[numEnvs · perEnv]` */
  readonly episodes: Int32Array;
  /** rows written so far, per ring */
  readonly written: Float64Array;
}

/**
 * Where episodes end. New rows are read when they are first asked for, and written to once, when their episode is over:
 * two visits of each row, however often it is drawn. What a checkpoint restored is read like that, too.
 */
export class EpisodeEnds {
  // of rows whose episode is over: where in the ring its last row stands
  readonly #last: Int32Array;
  // rows read so far, and where among them the episode that goes on began, per ring
  readonly #read: Float64Array;
  readonly #open: Float64Array;

  constructor(private readonly rings: Rings) {
    this.#last = new Int32Array(rings.episodes.length);
    this.#read = new Float64Array(rings.written.length);
    this.#open = new Float64Array(rings.written.length);
  }

  /** Rows after row i that are stored and of its episode. */
  after(i: number): number {
    const { perEnv, written } = this.rings;
    const n = Math.floor(i / perEnv);
    this.#readOn(n);
    const newest = (written[n] as number) - 1;
    const at = i - n * perEnv;
    const age = (((newest - at) % perEnv) + perEnv) % perEnv;
    if (newest - age >= (this.#open[n] as number)) return age;
    return ((this.#last[i] as number) - at + perEnv) % perEnv;
  }

  #readOn(n: number): void {
    const { perEnv, episodes, written } = this.rings;
    const now = written[n] as number;
    let next = this.#read[n] as number;
    if (next === now) return;
    const oldest = Math.max(0, now - perEnv);
    // nothing was read yet, or nothing of that is left
    if (next <= oldest) {
      this.#open[n] = oldest;
      next = oldest + 1;
    }
    const first = n * perEnv;
    for (; next < now; next++) {
      const before = (next - 1) % perEnv;
      if (episodes[first + (next % perEnv)] === episodes[first + before]) continue;
      for (let k = Math.max(this.#open[n] as number, oldest); k < next; k++) this.#last[first + (k % perEnv)] = before;
      this.#open[n] = next;
    }
    this.#read[n] = now;
  }
}
