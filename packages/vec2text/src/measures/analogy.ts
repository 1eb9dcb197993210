// Analogies: a sentence is to its edit as another one is to what? (Mikolov et al. 2013, arXiv 1301.3781, of sentences.)
//
//   z = project(z_c + z_edit − z_row), where c has in the edited slot what the row has there
import { decodeCodes } from '../decoding/decode-codes.ts';
import { encodeTexts } from '../encoding/encode-texts.ts';
import { takeRows } from '../internal/take-rows.ts';
import type { Vec2Text } from '../model/module.ts';
import { arithmetic } from '../space/arithmetic.ts';
import type { Codes } from '../space/codes.ts';
import { type Intervals, type MeasuredRow, type MeasureOptions, type Measures, passing } from './measure.ts';

type Slots = readonly (number | string)[];

/** A question: rows, the slot that the edit changes, and what is to stand in it. */
interface Question {
  readonly row: number;
  readonly third: number;
  readonly slot: number;
  readonly value: number | string;
}

/**
 * `analogy`: share of analogies whose text means what it should in every slot; `analogySlot`: in the slot that is to change.
 * Of rows whose edit changes one slot, and for which another row has the same value in it; nothing where fewer than two do.
 */
export async function analogies<M>(
  model: Vec2Text,
  rows: readonly MeasuredRow[],
  z: Codes,
  meanings: readonly (M | undefined)[],
  o: MeasureOptions<M>,
  interval: Intervals,
): Promise<Measures> {
  const { slots, sem } = o;
  if (slots === undefined) return {};
  const own = meanings.map((m) => (m === undefined ? undefined : slots(m)));
  const asked = questions(
    own,
    rows.map(({ edit }) => {
      const meaning = edit === undefined ? undefined : sem(edit);
      return meaning === undefined ? undefined : slots(meaning);
    }),
  ).slice(0, o.samples ?? 1000);
  if (asked.length < 2) return {};
  const { space } = model.module;
  const codesOf = (of: (q: Question) => number): Codes => takeRows(z, asked.map(of), space.dim);
  const edits = await encodeTexts(
    model,
    asked.map(({ row }) => rows[row]?.edit as string),
    passing(o),
  );
  const terms = [
    { z: codesOf(({ third }) => third), w: 1 },
    { z: edits, w: 1 },
    { z: codesOf(({ row }) => row), w: -1 },
  ];
  const decoded = await decodeCodes(model, arithmetic(space, terms, { project: true }), passing(o));
  const found = decoded.map(({ text }) => {
    const meaning = sem(text);
    return meaning === undefined ? undefined : slots(meaning);
  });
  const right = (i: number, every: boolean): boolean => {
    const { third, slot, value } = asked[i] as Question;
    const wanted = own[third] as Slots;
    const got = found[i];
    if (got?.[slot] !== value) return false;
    return !every || wanted.every((x, s) => s === slot || got[s] === x);
  };
  const mean = (name: string, every: boolean): Measures => ({
    [name]: interval.mean(
      name,
      asked.map((_, i) => right(i, every)),
    ),
  });
  return { ...mean('analogy', true), ...mean('analogySlot', false) };
}

/** Of each row the first one after it that shares what its edit changes. */
function questions(own: readonly (Slots | undefined)[], edited: readonly (Slots | undefined)[]): Question[] {
  const n = own.length;
  return own.flatMap((mine, row): Question[] => {
    const after = edited[row];
    if (mine === undefined || after === undefined) return [];
    const changed = mine.flatMap((value, slot) => (value === after[slot] ? [] : [slot]));
    const [slot] = changed;
    if (slot === undefined || changed.length > 1) return [];
    for (let step = 1; step < n; step++) {
      const third = (row + step) % n;
      if (own[third]?.[slot] === mine[slot]) return [{ row, third, slot, value: after[slot] as number | string }];
    }
    return [];
  });
}
