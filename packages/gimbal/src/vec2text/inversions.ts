// Sentences inverted with and without beams, and compared with themselves at each correction.
import type { Inverter, InvertOptions, Scored } from '@gimbal/vec2text';
import { counted } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { Progress } from '../cli/progress.ts';
import type { Vec2TextFlags } from './options.ts';

/** What flags say of a search, as the library takes it. */
export const searchOf = (
  o: Pick<Vec2TextFlags, 'beams' | 'patience' | 'memoryBudget'>,
): Pick<InvertOptions, 'beams' | 'patience' | 'memoryBudget'> => ({
  beams: o.beams,
  memoryBudget: o.memoryBudget * 2 ** 20,
  ...(o.patience !== undefined && { patience: o.patience }),
});

/** Shows a search: how many texts of which correction are written. `done` when it ended. */
export function searchProgress(
  name: string,
  output: Output,
): Required<Pick<InvertOptions, 'onTexts'>> & { done(said: string): void } {
  const progress = new Progress(output, name);
  return {
    onTexts: (correction, step, total) =>
      progress.update({ step, total, text: correction === 0 ? 'first texts' : `correction ${correction}` }),
    done: (said) => progress.done(said),
  };
}

/** How texts came out, by correction; all are shares in [0, 1], BLEU too, as among the measures of a model. */
export interface Inversions {
  steps: { step: number; beams: number; cosine: number; exact: number; f1: number; bleu: number }[];
  first: readonly Scored[];
  best: readonly Scored[];
}

/** Inverts the vectors of sentences, and compares at each step: with one text kept at a time, and with as many as asked. */
export async function inverted(
  inverter: Inverter,
  texts: readonly string[],
  o: Pick<Vec2TextFlags, 'corrections' | 'beams' | 'patience' | 'memoryBudget'>,
  signal: AbortSignal,
  output: Output,
): Promise<Inversions> {
  const { invertSteps, tokenF1 } = await import('@gimbal/vec2text');
  const { corpusBleu } = await import('@gimbal/language-models');
  const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
  const wanted = texts.map((text) => text.trim());
  const vectors = await inverter.embedder.embed([...texts], { signal });
  const found: Inversions = { steps: [], first: [], best: [] };
  // without corrections there is one text, however many are kept
  for (const beams of new Set([1, o.corrections > 0 ? o.beams : 1])) {
    let step = 0;
    const { onTexts, done } = searchProgress(`search, ${beams}`, output);
    const how = { ...searchOf(o), steps: o.corrections, beams, signal, onTexts };
    for await (const rows of invertSteps(inverter, vectors, how)) {
      const best = rows.map((row) => row.best);
      const decoded = best.map(({ text }) => text.trim());
      if (step === 0) found.first = best;
      found.best = best;
      // the first text is the same however many are kept
      if (step > 0 || beams === 1)
        found.steps.push({
          ...{ step, beams, cosine: mean(best.map(({ cosine }) => cosine)) },
          exact: mean(decoded.map((text, i) => Number(text === wanted[i]))),
          f1: mean(decoded.map((text, i) => tokenF1(text, wanted[i] as string))),
          bleu: corpusBleu(decoded, wanted) / 100,
        });
      step++;
    }
    done(`${counted(texts.length, 'sentence')}, ${beams} kept at a time`);
  }
  return found;
}
