// Texts from an inverter's models: one a row, or several candidates by beam search.
import { beamSearch, decodeTokens } from '@gimbal/language-models';
import { rng } from '@gimbal/tensor-core';
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
}

/** The hypothesizer's likeliest text of each vector. */
export async function hypotheses(
  inverter: Inverter,
  embeddings: Float32Array,
  o: { signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  return (await generate(inverter, 'hypothesizer', { embeddings }, o)).map(([text]) => text as string);
}

/** Candidates of each row, the likeliest first. */
export async function generate(
  inverter: Inverter,
  stage: Stage,
  rows: InversionRows,
  { candidates = 1, signal }: GenerateOptions = {},
): Promise<string[][]> {
  const { config: c, tokenizer } = inverter;
  const params = stage === 'hypothesizer' ? inverter.hypothesizer : (inverter.corrector as Inverter['hypothesizer']);
  const { embeddingDim: D, maxLength: L, eosId, padId } = c;
  const n = rows.embeddings.length / D;
  const out: string[][] = [];
  const ends = { maxNewTokens: L, eosIds: [eosId], ...(signal && { signal }) };
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
      continue;
    }
    const ids: number[][] = Array.from({ length: to - at }, () => []);
    for await (const step of decodeTokens(policy, params, prompts, { ...ends, temperature: 0, padId, rng: rng(0) }))
      ids.forEach((row, i) => {
        if ((step.lengths[i] as number) > row.length) row.push(step.ids[i] as number);
      });
    out.push(...ids.map((row) => [textOf(row)]));
  }
  return out;
}
