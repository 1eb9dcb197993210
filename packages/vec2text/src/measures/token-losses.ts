// Teacher-forced losses of texts, given their codes.
import { padBatch } from '@gimbal/language-models';
import { eventTurn, StoppedError } from '@gimbal/tensor-core';
import { sum, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { codePolicy, numberedRows } from '../decoding/code-policy.ts';
import type { Vec2Text } from '../model/module.ts';
import type { Codes } from '../space/codes.ts';
import { textRow } from '../text/text-rows.ts';

/** texts at a time */
const batch = 64;

/** −log p of each text given its code, summed over its tokens with EOS, in nats; and how many those are. */
export async function tokenLosses(
  { module, params, tokenizer }: Vec2Text,
  z: Codes,
  texts: readonly string[],
  o: { signal?: AbortSignal } = {},
): Promise<{ loss: number; tokens: number }[]> {
  const { padId, controlDim: k } = module.config;
  const out: { loss: number; tokens: number }[] = [];
  for (let at = 0; at < texts.length; at += batch) {
    await eventTurn();
    if (o.signal?.aborted) throw new StoppedError({ where: 'vec2text: losses', what: `stopped after ${at} texts` });
    const rows = texts
      .slice(at, at + batch)
      .map((text, i) => textRow(`vec2text: text ${at + i}`, tokenizer, text, module.config));
    const codes = z.slice(at * k, (at + rows.length) * k);
    const policy = codePolicy(module, () => tensor2d(codes, [rows.length, k]));
    const sums = tidy(() => sum(policy.logProbs(params, numberedRows(rows.length), padBatch(rows, padId)), 1));
    const values = await sums.data();
    sums.dispose();
    rows.forEach((row, i) => {
      out.push({ loss: -(values[i] as number), tokens: row.length });
    });
  }
  return out;
}
