// The computation of the page: two sentences to their codes, 21 codes between them, and the texts of those in one batch.
import {
  centredCosine,
  decodeCodes,
  encodeTexts,
  interpolate,
  loadVec2Text,
  nearestTexts,
  type Vec2Text,
} from '@gimbal/vec2text';
import { type Aish, type AishMeaning, type AishSlot, aishBits, aishSlots, toyLanguages } from '@gimbal/worlds';
import type { ExploreData, ExplorePath, ExploreProblem, PathPoint } from './data.ts';

const points = 21;

interface Loaded {
  readonly model: Vec2Text;
  readonly codes: Float32Array;
}

/** The models of a page, and the way between two sentences in any of them. */
export class Explorer {
  readonly #data: ExploreData;
  readonly #loaded: readonly Loaded[];
  readonly #aish: Aish | undefined;

  private constructor(data: ExploreData, loaded: readonly Loaded[]) {
    this.#data = data;
    this.#loaded = loaded;
    this.#aish = data.language === null ? undefined : toyLanguages({ preset: data.language }).aish;
  }

  /** Loads the models. */
  static async open(data: ExploreData): Promise<Explorer> {
    const loaded: Loaded[] = [];
    for (const { file, codes } of data.models)
      loaded.push({ model: await loadVec2Text(bytesOf(file)), codes: new Float32Array(bytesOf(codes).buffer) });
    return new Explorer(data, loaded);
  }

  /** The way, or the field that cannot be read. @param which number of the model */
  async path(texts: readonly [string, string], which: number): Promise<ExplorePath | ExploreProblem> {
    const began = performance.now();
    const { model, codes: known } = this.#loaded[which] as Loaded;
    const { space } = model.module;
    const ends: Float32Array[] = [];
    for (const [field, text] of texts.entries()) {
      try {
        ends.push(await encodeTexts(model, [this.#plain(text)]));
      } catch (error) {
        return { field, message: (error as Error).message.replace(/^vec2text: encode text 0: /, '') };
      }
    }
    const [a, b] = ends as [Float32Array, Float32Array];
    const way = interpolate(space, a, b, points);
    const decoded = await decodeCodes(model, way, { project: true });
    const repeat = (z: Float32Array): Float32Array => {
      const out = new Float32Array(way.length);
      for (let i = 0; i < points; i++) out.set(z, i * z.length);
      return out;
    };
    const [toA, toB] = [a, b].map((z) => centredCosine(space, way, repeat(z), model.stats)) as [
      Float32Array,
      Float32Array,
    ];
    const count = Math.min(3, this.#data.sentences.length);
    const near = count === 0 ? [] : nearestTexts(model, way, { texts: this.#data.sentences, codes: known }, count);
    return {
      points: decoded.map(
        ({ text }, i): PathPoint => ({
          alpha: i / (points - 1),
          text,
          valid: this.#aish === undefined ? null : this.#aish.valid(text),
          similarity: [toA[i] as number, toB[i] as number],
          nearest: near[i] ?? [],
          slots: this.#slotsOf(text),
        }),
      ),
      slotNames: this.#aish === undefined ? [] : aishSlots,
      typed: texts.map((text) => this.#slotsOf(this.#plain(text))),
      milliseconds: performance.now() - began,
    };
  }

  /** Frees the models. */
  dispose(): void {
    for (const { model } of this.#loaded) model.dispose();
  }

  /** As the model knows texts: a generated language has no capitals, a user's may. */
  #plain(text: string): string {
    return this.#aish === undefined ? text.trim() : text.trim().toLowerCase();
  }

  #slotsOf(text: string): string[] | null {
    const meaning = this.#aish?.sem(text);
    return meaning === undefined ? null : aishSlots.map((slot) => wordOf(this.#aish as Aish, meaning, slot));
  }
}

const plain = Object.fromEntries(aishBits.map((bit) => [bit, 0])) as never;

/** A slot's value as a word, by writing a sentence that has little else. */
function wordOf(aish: Aish, meaning: AishMeaning, slot: AishSlot): string {
  const value = meaning[slot];
  if (slot === 'negated') return value === 1 ? 'not' : '';
  const other = { ...bare, patient: slot === 'patient' ? bare.patient : meaning.agent === 1 ? 2 : 1 };
  const without = aish
    .realise({ ...other, [slot]: slot === 'agent' || slot === 'verb' || slot === 'patient' ? value : 0 }, plain)
    .split(' ');
  if (slot === 'agent') return without[1] as string;
  if (slot === 'verb') return without[2] as string;
  if (slot === 'patient') return without.at(-1) as string;
  if (value === 0) return '';
  const with_ = aish.realise({ ...other, [slot]: value }, plain).split(' ');
  // what stands in the one and not in the other, which differ in one stretch
  let from = 0;
  while (with_[from] === without[from]) from++;
  return with_.slice(from, from + with_.length - without.length).join(' ');
}

const bare: Record<AishSlot, number> = {
  agent: 0,
  verb: 0,
  patient: 1,
  agentAdjective: 0,
  patientAdjective: 0,
  place: 0,
  time: 0,
  negated: 0,
};

/** Bytes of base64. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
