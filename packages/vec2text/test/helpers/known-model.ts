// A model that is a table: its texts have known codes, and every vector has a known text. It stands in for the transformer
// where what is tested are the measures themselves, whose values are then found by hand.

import type { Codes, DecodeOptions, Vec2Text } from '../../src/index.ts';
import { controlSpace } from '../../src/space/control-space.ts';

/** Texts and codes of two coordinates, and what is said elsewhere. */
export interface KnownTexts {
  /** Code of each text that can be encoded. */
  codes: Record<string, readonly [number, number]>;
  /** Text of a vector that is no known code; `nth` counts the vectors of a call. */
  elsewhere?: (z: readonly number[], nth: number) => string;
  /** Sampled texts of a code, in the order in which a call asks for them; of what temperature is checked. */
  sampled?: Record<string, readonly string[]>;
  /** Root mean square of the codes, as the statistics have it. */
  rms?: number;
}

/** What the model says now; tests set it. */
export const known: { texts: KnownTexts } = { texts: { codes: {} } };

/** Stands in for encode-texts. */
export const encodeTexts = async (_: Vec2Text, texts: readonly string[]): Promise<Codes> =>
  Float32Array.from(
    texts.flatMap((text) => {
      const code = known.texts.codes[text];
      if (code === undefined) throw new Error(`no code of ${text}`);
      return [...code];
    }),
  );

/** Stands in for decode-codes. */
export async function decodeCodes(_: Vec2Text, z: Codes, o: DecodeOptions = {}): Promise<{ text: string }[]> {
  const { codes, elsewhere = () => '', sampled = {} } = known.texts;
  const asked: Record<string, number> = {};
  return Array.from({ length: z.length / 2 }, (_, i) => {
    const [x, y] = [z[2 * i] as number, z[2 * i + 1] as number];
    const text = Object.keys(codes).find(
      (name) =>
        codes[name]?.[0] !== undefined && Math.fround(codes[name][0]) === x && Math.fround(codes[name][1]) === y,
    );
    if (text === undefined) return { text: elsewhere([x, y], i) };
    if (o.temperature === undefined) return { text };
    if (o.temperature !== 1 || o.rng === undefined) return { text: 'another temperature than 1' };
    const nth = asked[text] ?? 0;
    asked[text] = nth + 1;
    return { text: sampled[text]?.[nth] ?? text };
  });
}

/** The model, whose texts are those of `known`. */
export const knownModel = (): Vec2Text => {
  const { rms = 0.01 } = known.texts;
  const [mean, std] = [new Float32Array(2), new Float32Array(2).fill(rms)];
  const cholesky = Float32Array.of(rms, 0, 0, rms);
  const stats = { kind: 'box', count: 10, mean, std, cholesky, rms, saturation: 0 } as const;
  return { module: { space: controlSpace('box', 2) }, stats } as unknown as Vec2Text;
};
