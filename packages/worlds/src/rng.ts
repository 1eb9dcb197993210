/**
 * The random stream a world draws from. It is structural, so this package imports nothing: `rng(seed)` of
 * `@gimbal/tensor-core` satisfies it, and so does any generator of yours with these three methods.
 */
export interface Rng {
  /** A number in [0, 1). */
  uniform(): number;
  /** A whole number in [0, n). */
  int(n: number): number;
  /** An independent stream, named so that adding one draw elsewhere does not move the others. */
  split(stream: string | number): Rng;
}
