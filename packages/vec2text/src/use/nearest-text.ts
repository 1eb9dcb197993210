// Known texts near codes.
import { encodeTexts } from '../encoding/encode-texts.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2Text } from '../model/module.ts';
import type { Codes } from '../space/codes.ts';
import { nearest } from '../space/nearest.ts';

/** Texts and their codes, to look among. */
export interface TextIndex {
  /** As they were given. */
  readonly texts: readonly string[];
  /** [n·k] */
  readonly codes: Codes;
}

/** Encodes texts to look among. @throws as encodeTexts */
export const textIndex = async (
  model: Vec2Text,
  texts: readonly string[],
  o: { signal?: AbortSignal } = {},
): Promise<TextIndex> => {
  if (!Array.isArray(texts))
    throw refusal('CONFIG', { where: 'textIndex.texts', what: 'no list of texts', got: typeof texts });
  const own = [...texts];
  return { texts: own, codes: await encodeTexts(model, own, o) };
};

/** A known text and how near it is. */
export interface NearText {
  /** As it was given. */
  readonly text: string;
  /** Cosine of the centred codes. */
  readonly similarity: number;
}

/**
 * The n nearest known texts of every code, nearest first.
 * @throws ShapeError (`SHAPE`) for an index that has not one code a text; else as nearest
 */
export function nearestTexts(model: Vec2Text, z: Codes, index: TextIndex, n: number): NearText[][] {
  const { space } = model.module;
  if (!Array.isArray(index?.texts) || !ArrayBuffer.isView(index.codes))
    throw refusal('CONFIG', { where: 'nearestTexts.index', what: 'no index of texts', wanted: 'what textIndex gives' });
  if (index.texts.length * space.dim !== index.codes.length)
    throw refusal('SHAPE', {
      where: 'nearestTexts.index',
      what: 'not one code a text',
      got: index.codes.length,
      wanted: `${index.texts.length}·${space.dim} numbers`,
    });
  return nearest(space, z, index.codes, n, { stats: model.stats }).map((row) =>
    row.map(({ row: at, distance }) => ({ text: index.texts[at] as string, similarity: 1 - distance })),
  );
}
