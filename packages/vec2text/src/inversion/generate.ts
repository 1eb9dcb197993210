// Texts from an inverter's models: one a row, or several candidates by beam search.
import { beamSearch, decodeTokens } from '@gimbal/language-models';
import { type Rng, rng, rngFromState } from '@gimbal/tensor-core';
import { numberedRows } from '../decoding/code-policy.ts';
import type { Inverter } from './inverter.ts';
import type { Stage } from './models.ts';
import { type InversionRows, inverterPolicy } from './policy.ts';

/** Rows at a time. */
export const batchSize = 64;

/** How texts are generated. */
interface GenerateOptions {
  signal?: AbortSignal | undefined;
  /** candidates a row, the likeliest first (1) */
  candidates?: number;
  /** logits are divided by it; 0 takes the likeliest token (0) */
  temperature?: number;
  /** where draws come from, each row's own part of it; needed for temperature > 0 */
  rng?: Rng;
  /** told after each batch how many rows are done */
  onRows?: ((done: number) => void) | undefined;
}

/** The hypothesizer's text of each vector: the likeliest, unless a temperature is given. */
export async function hypotheses(
  inverter: Inverter,
  embeddings: Float32Array,
  o: Omit<GenerateOptions, 'candidates'> = {},
): Promise<string[]> {
  return (await generate(inverter, 'hypothesizer', { embeddings }, o)).map(([text]) => text as string);
}

/** Candidates of each row, the likeliest first. */
export async function generate(
  inverter: Inverter,
  stage: Stage,
  rows: InversionRows,
  { candidates = 1, temperature = 0, rng: stream = rng(0), signal, onRows }: GenerateOptions = {},
): Promise<string[][]> {
  const { config: c, tokenizer } = inverter;
  const params = stage === 'hypothesizer' ? inverter.hypothesizer : (inverter.corrector as Inverter['hypothesizer']);
  const { embeddingDim: D, maxLength: L, eosId, padId } = c;
  const n = rows.embeddings.length / D;
  const out: string[][] = [];
  const ends = { maxNewTokens: L, eosIds: [eosId], ...(signal && { signal }) };
  const start = stream.state();
  const textOf = (ids: readonly number[]): string => tokenizer.decodeIds(ids.filter((id) => id !== padId));
  for (let at = 0; at < n; at += batchSize) {
    const to = Math.min(n, at + batchSize);
    const part: InversionRows = {
      embeddings: rows.embeddings.slice(at * D, to * D),
      ...(rows.hypotheses && {
        hypotheses: {
          embeddings: rows.hypotheses.embeddings.slice(at * D, to * D),
          ids: rows.hypotheses.ids.slice(at * L, to * L),
        },
      }),
    };
    const policy = inverterPolicy(c, stage, part);
    const prompts = numberedRows(to - at);
    if (candidates > 1) {
      for (const beams of await beamSearch(policy, params, prompts, { ...ends, beams: candidates }))
        out.push(beams.map(({ ids }) => textOf(ids)));
      onRows?.(to);
      continue;
    }
    const ids: number[][] = Array.from({ length: to - at }, () => []);
    // the same stream for every batch, each row its own part of it
    const draws = { temperature, padId, rng: rngFromState(start), firstRow: at };
    for await (const step of decodeTokens(policy, params, prompts, { ...ends, ...draws }))
      ids.forEach((row, i) => {
        if ((step.lengths[i] as number) > row.length) row.push(step.ids[i] as number);
      });
    out.push(...ids.map((row) => [textOf(row)]));
    onRows?.(to);
  }
  return out;
}
