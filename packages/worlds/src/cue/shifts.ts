/** How latent vectors are drawn. */
export interface CueShift {
  /** s: standard deviation of each latent number. */
  readonly scale: number;
  /** ρ: correlation of the last latent number with the oracle of the others, in [0, 1]. */
  readonly correlation: number;
}

/** The world's distributions: what is trained on, where the cue stops to predict, and what a body is pretrained on. */
export const cueShifts = {
  id: { scale: 1, correlation: 0.6 },
  ood: { scale: 1.5, correlation: 0 },
  pretraining: { scale: 1.2, correlation: 0 },
} as const satisfies Record<string, CueShift>;

/** Numbers of a latent vector, an observation, and a pretraining target. */
export const cueSizes = { latent: 12, observed: 64, target: 24 } as const;
