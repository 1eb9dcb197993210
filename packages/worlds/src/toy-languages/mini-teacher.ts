// The exact teacher of `mini`: it knows the two references of a prompt and which of them the prefix could be.

/** What the teacher knows of a prompt. */
export interface MiniReferences {
  /** The reference of each register, as ids without `<eos>`. */
  readonly references: readonly Int32Array[];
  /** P(register). */
  readonly rates: readonly number[];
  /** Share of the uniform distribution in every token. */
  readonly smoothing: number;
}

/**
 * The next-token distribution of a writer that draws a register and writes its reference, each token replaced by a
 * uniform one with probability `smoothing`, after what was written so far:
 *   p(w | y) = Σ_r P(r | y) [(1 − s) 1[w = ref_r] + s / V],  P(r | y) ∝ P(r) Π_i [(1 − s) 1[y_i = ref_r,i] + s / V]
 * Without smoothing a prefix that no register allows leaves P(r) as it was. After the reference comes `<eos>`, after
 * that `<pad>`.
 * @param written ids after the prompt
 * @returns probabilities [V], sum 1
 */
export function nextOfMini(
  written: ArrayLike<number>,
  { references, rates, smoothing }: MiniReferences,
  ids: { readonly pad: number; readonly eos: number },
  vocabularySize: number,
): Float64Array {
  const p = new Float64Array(vocabularySize);
  for (let i = 0; i < written.length; i++) {
    if (written[i] !== ids.eos) continue;
    p[ids.pad] = 1;
    return p;
  }

  const uniform = smoothing / vocabularySize;
  let weights = references.map((reference, r) => {
    let weight = rates[r] as number;
    for (let i = 0; i < written.length; i++) {
      weight *= (written[i] === (reference[i] ?? ids.eos) ? 1 - smoothing : 0) + uniform;
    }
    return weight;
  });
  let total = weights.reduce((a, b) => a + b, 0);
  if (total === 0) {
    weights = [...rates];
    total = 1;
  }

  p.fill(uniform);
  for (const [r, reference] of references.entries()) {
    const id = reference[written.length] ?? ids.eos;
    p[id] = (p[id] as number) + ((1 - smoothing) * (weights[r] as number)) / total;
  }
  return p;
}
