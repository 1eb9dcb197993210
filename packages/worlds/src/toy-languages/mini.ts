// The preset `mini`: translation between two toy languages, with an exact teacher. After G9 of the distillation
// experiments (arXiv 2306.13649 in miniature): a translation may be plain or polite but must stay what it began as, so a
// student that follows its own prefix has to know which register it is in.
import { WorldError } from '../errors.ts';
import { checkDistribution, checkKnown, checkRate } from '../internal/check.ts';
import type { Rng } from '../rng.ts';
import type { ToyLanguage } from './language.ts';
import { type MiniMeaning, miniMeanings } from './mini-meaning.ts';
import { miniSource } from './mini-source.ts';
import { type MiniSurface, miniTarget } from './mini-target.ts';
import { nextOfMini } from './mini-teacher.ts';
import { wordCodec } from './word-codec.ts';

/** What the preset `mini` is like. */
export interface MiniOptions {
  /** P(plain) and P(polite) of a reference ([.6, .4]). */
  registerRates?: readonly [number, number];
  /** Share of a uniform distribution mixed into the teacher (.01). */
  smoothing?: number;
}

/** A sentence and its translation, as text. */
export interface Translation {
  /** The sentence, and `=` after it. */
  readonly prompt: string;
  /** The translation in one register. */
  readonly completion: string;
}

/** Two toy languages, translations between them, and a teacher whose distribution is known. It holds no state. */
export interface MiniLanguages {
  /** The options, defaults filled in. */
  readonly settings: Required<MiniOptions>;
  /** adjective noun verb adjective noun. */
  readonly source: ToyLanguage<MiniMeaning, Record<never, never>>;
  /** noun adjective noun adjective verb, in one of two registers. */
  readonly target: ToyLanguage<MiniMeaning, MiniSurface>;
  /** The word of each id: `<pad>`, `<eos>`, `=`, the source's, the target's; 76. */
  readonly vocabulary: readonly string[];
  /** Ids of the words that are of no language. */
  readonly ids: { readonly pad: number; readonly eos: number; readonly equals: number };
  /** Tokens of a prompt: five words and `=`. */
  readonly promptLength: number;
  /** Tokens of an answer: five words and `<eos>`. */
  readonly answerLength: number;
  /** Draws `n` translations, all of different meanings and none of `except` (prompts). @throws WorldError if there are not so many */
  rows(n: number, rng: Rng, o?: { except?: ReadonlySet<string> }): Translation[];
  /** The ids of a text of these languages. @throws WorldError (`data`) naming an unknown word */
  encode(text: string): Int32Array;
  /** The text of ids, without `<pad>`, `<eos>` and `=`. */
  decode(ids: ArrayLike<number>): string;
  /** The translation of a prompt in each register. @throws WorldError (`data`) for a prompt of another form */
  translations(prompt: string): [plain: string, polite: string];
  /** Whether `completion` is the translation in either register, word for word. */
  check(prompt: string, completion: string): boolean;
  /**
   * The teacher's next-token distribution after any prefix whose first `promptLength` ids are a prompt: the exact
   * posterior over registers, mixed with `smoothing` of uniform.
   * @returns probabilities [V], float64, sum 1
   */
  next(prefix: ArrayLike<number>, promptLength: number): Float64Array;
}

const ids = { pad: 0, eos: 1, equals: 2 } as const;
const PROMPT_LENGTH = 6;

/** Makes the world of the preset `mini`. @throws WorldError (`config`) for an unknown or impossible option */
export function miniLanguages(own: MiniOptions = {}): MiniLanguages {
  const where = 'toyLanguages';
  const defaults = { registerRates: [0.6, 0.4] as const, smoothing: 0.01 };
  checkKnown(where, own, Object.keys(defaults));
  const settings = {
    registerRates: own.registerRates ?? defaults.registerRates,
    smoothing: own.smoothing ?? defaults.smoothing,
  };
  checkDistribution(where, 'registerRates', settings.registerRates);
  checkRate(where, 'smoothing', settings.smoothing);

  const source = miniSource;
  const target = miniTarget(settings.registerRates);
  const codec = wordCodec(where, ['<pad>', '<eos>'], ['=', ...source.words, ...target.words]);

  const translations = (prompt: string): [string, string] => {
    const sentence = /^(.*)\s=\s*$/.exec(prompt)?.[1];
    const meaning = sentence === undefined ? undefined : source.parse(sentence)?.meaning;
    if (!meaning) {
      const wanted = 'adjective noun verb adjective noun =';
      throw new WorldError('data', { where: `${where}.translations`, what: 'no prompt', got: prompt, wanted });
    }
    return [target.realise(meaning, { register: 0 }), target.realise(meaning, { register: 1 })];
  };

  // the teacher is asked about the same prompts at every position of every step: read each once, within bounds
  const known = new Map<string, readonly Int32Array[]>();
  const references = (prompt: ArrayLike<number>): readonly Int32Array[] => {
    const key = Array.prototype.join.call(prompt, ' ');
    const seen = known.get(key);
    if (seen) return seen;
    const text = Array.from(prompt, (id) => codec.words[id] ?? `id ${id}`).join(' ');
    const made = translations(text).map((translation) => codec.encode(translation));
    if (known.size >= 4096) known.clear();
    known.set(key, made);
    return made;
  };

  return {
    settings,
    source,
    target,
    vocabulary: codec.words,
    ids,
    promptLength: PROMPT_LENGTH,
    answerLength: 6,
    rows: (n, rng, { except } = {}) => drawRows(n, source, target, rng, except),
    encode: codec.encode,
    decode: (list) => codec.decode(Array.from(list).filter((id) => id !== ids.equals)),
    translations,
    check: (prompt, completion) => translations(prompt).includes(completion.trim().split(/\s+/).join(' ')),
    next(prefix, promptLength) {
      if (promptLength !== PROMPT_LENGTH || prefix.length < promptLength) {
        const wanted = `a prompt of ${PROMPT_LENGTH} ids in front`;
        throw new WorldError('data', { where: `${where}.next`, what: 'no whole prompt', got: promptLength, wanted });
      }
      const all = Array.from(prefix);
      const asked = references(all.slice(0, promptLength));
      const { registerRates: rates, smoothing } = settings;
      return nextOfMini(all.slice(promptLength), { references: asked, rates, smoothing }, ids, codec.words.length);
    },
  };
}

function drawRows(
  n: number,
  source: MiniLanguages['source'],
  target: MiniLanguages['target'],
  rng: Rng,
  except?: ReadonlySet<string>,
): Translation[] {
  const left = miniMeanings - (except?.size ?? 0);
  if (n > left) {
    const what = 'more different meanings than there are';
    throw new WorldError('config', { where: 'toyLanguages.rows', what, got: n, wanted: `at most ${left}` });
  }
  const drawn = new Map<string, Translation>();
  while (drawn.size < n) {
    const { meaning, surface } = target.generate(rng);
    const prompt = `${source.realise(meaning, {})} =`;
    if (!except?.has(prompt)) drawn.set(prompt, { prompt, completion: target.realise(meaning, surface) });
  }
  return [...drawn.values()];
}
