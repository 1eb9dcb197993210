// Held-out rows: the objective's loss, what comes back of them, and how their codes are spread.
import type { Params, Rng } from '@gimbal/tensor-core';
import { tidy } from '@tensorflow/tfjs-core';
import type { Example } from '../data/objective.ts';
import type { TokenRow } from '../data/training-rows.ts';
import { decodeToTokens } from '../decoding/decode-codes.ts';
import { encodeRows } from '../encoding/encode-texts.ts';
import type { Vec2TextModule } from '../model/module.ts';
import { packModel } from '../model/trained.ts';
import { type SpaceStats, spaceStats } from '../space/stats.ts';
import { batchLoss } from './batches.ts';

/** Above this share of coordinates near ±1 the box is used as a code of bits, and its gradients are gone. */
const saturated = 0.2;

/** Loss in nats a token, share of exact reconstructions, spread of codes. */
export async function evaluateModel(
  module: Vec2TextModule,
  params: Params,
  examples: readonly Example[],
  decoded: readonly TokenRow[],
  rng: Rng,
  { warn, ...terms }: { zNoise: number; klCoef: number; warn?: (message: string) => void },
): Promise<{ loss: number; exactMatch: number; rms: number; saturation: number }> {
  let [sum, tokens] = [0, 0];
  for (let at = 0; at < examples.length; at += 64) {
    const part = tidy(() => {
      const result = batchLoss(module, params, examples.slice(at, at + 64), terms, rng.split(`batch ${at}`));
      tokens += result.weight;
      return result.sum;
    });
    sum += (await part.data())[0] as number;
    part.dispose();
  }
  using _packed = packModel(params);
  const codes = await encodeRows(
    module,
    params,
    decoded.map(({ source }) => source),
  );
  const texts = await decodeToTokens(module, params, codes, {});
  const exact = texts.filter(({ ids }, i) => {
    const { source } = decoded[i] as TokenRow;
    return ids.length === source.length && ids.every((id, t) => id === source[t]);
  }).length;
  const { rms, saturation } = decoded.length < 2 ? { rms: 0, saturation: 0 } : spaceStats(module.space, codes);
  if (module.space.kind === 'box' && saturation > saturated)
    warn?.(
      `${Math.round(100 * saturation)} % of coordinates have |z| > .99: the box is used as bits; try a smaller learning rate`,
    );
  return { loss: sum / tokens, exactMatch: exact / decoded.length, rms, saturation };
}

/** The statistics of the codes of token rows; of a single one, its own with no spread. */
export async function fitStats(
  module: Vec2TextModule,
  params: Params,
  rows: readonly Int32Array[],
): Promise<SpaceStats> {
  using _packed = packModel(params);
  const codes = await encodeRows(module, params, rows.length > 1 ? rows : [...rows, ...rows]);
  return spaceStats(module.space, codes);
}
