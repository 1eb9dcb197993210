/** The arrays that a solver's step reads and writes, for G games of n responses side by side. */
export interface SolverArrays {
  /** responses of each game */
  readonly n: number;
  /** P of every game, `[G·n·n]` */
  readonly p: Float64Array;
  /** P + Pᵀ = 1 to rounding in every game, so that half of P tells all */
  readonly complementary: boolean;
  /** τ of every game, `[G]` */
  readonly tau: Float64Array;
  /** η of the step being taken, `[G]` */
  readonly eta: Float64Array;
  /** log π up to a constant in each game, `[G·n]` */
  readonly x: Float64Array;
  /** log of what the policy is drawn to, up to a constant: of μ, or of a magnet that moves, `[G·n]` */
  readonly magnet: Float64Array;
  /** of the solver: the products of the step before, log q, or the average, `[G·n]` */
  readonly memory: Float64Array;
  /** scratch: opponents' probabilities, `[G·n]` */
  readonly opponent: Float64Array;
  /** scratch: P · opponent, `[G·n]` */
  readonly values: Float64Array;
  /** scratch: logits of a half step, `[G·n]` */
  readonly half: Float64Array;
}
