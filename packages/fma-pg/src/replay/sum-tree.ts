/** Numbers of which one can be drawn in proportion to its size, in log n. */
export class SumTree {
  readonly #leaves: number;
  readonly #sums: Float64Array;

  constructor(readonly size: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(size, 2)));
    this.#sums = new Float64Array(2 * this.#leaves);
  }

  get total(): number {
    return this.#sums[1] as number;
  }

  get(i: number): number {
    return this.#sums[this.#leaves + i] as number;
  }

  set(i: number, value: number): void {
    let at = this.#leaves + i;
    this.#sums[at] = value;
    for (at >>= 1; at >= 1; at >>= 1)
      this.#sums[at] = (this.#sums[2 * at] as number) + (this.#sums[2 * at + 1] as number);
  }

  /** The entry in which the running sum passes `mass`, 0 ≤ mass < total. */
  find(mass: number): number {
    let [at, left] = [1, mass];
    while (at < this.#leaves) {
      at *= 2;
      const low = this.#sums[at] as number;
      // rounding may lead past the last entry: a branch of nothing is never taken
      if (left >= low && (this.#sums[at + 1] as number) > 0) {
        left -= low;
        at++;
      }
    }
    return at - this.#leaves;
  }
}
