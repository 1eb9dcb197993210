// The worlds that distillation is tried on, behind one face: rows, a tokenizer, an exact teacher, a check.
import { oracleTeacher, type Teacher, type Vocabulary } from '@gimbal/gkd';
import { padBatch, rowOf } from '@gimbal/language-models';
import { type Rng, rng } from '@gimbal/tensor-core';
import { arithmetic, newsroom, toyLanguages } from '@gimbal/worlds';

/** A prompt and its right answer. */
export type ToyRow = { readonly prompt: string; readonly completion: string };

/** A task whose teacher is known exactly. */
export interface ToyTask {
  name: string;
  vocabulary: Vocabulary;
  promptLength: number;
  /** tokens of an answer, the end included */
  answerLength: number;
  /** different ones that there are, where those are few */
  problems?: number;
  rows(n: number, stream: Rng, except?: ReadonlySet<string>): ToyRow[];
  check(prompt: string, completion: string): boolean;
  /** the exact one, where there is one */
  teacher?: Teacher;
  /** whether all that a completion says is true; where that is not the same as being right */
  faithful?(prompt: string, completion: string): boolean;
}

/** What a tokenizer is made of. */
interface Words {
  vocabulary: readonly string[];
  ids: { readonly eos: number; readonly pad: number };
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
}

/** What of a world with an exact teacher is needed. */
interface World extends Words {
  promptLength: number;
  answerLength: number;
  check(prompt: string, completion: string): boolean;
  next(prefix: ArrayLike<number>, promptLength: number): Float64Array;
}

/** A world's words as a tokenizer. */
function vocabularyOf(world: Words): Vocabulary {
  return {
    size: world.vocabulary.length,
    special: { eos: world.ids.eos, pad: world.ids.pad },
    token: (id) => world.vocabulary[id],
    encode: (texts) => padBatch(texts.map(world.encode), world.ids.pad),
    decode: (batch) => Array.from(batch.lengths, (_, row) => world.decode(rowOf(batch, row))),
    encodeText: world.encode,
  };
}

function taskOf(name: string, world: World, rows: ToyTask['rows']): ToyTask {
  const vocabulary = vocabularyOf(world);
  // the same prefixes are asked for at every step of every method
  const known = new Map<string, Float64Array>();
  const next = (prefix: Int32Array, promptLength: number): Float64Array => {
    const key = String.fromCharCode(...prefix);
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const made = world.next(prefix, promptLength);
    if (known.size >= 200_000) known.clear();
    known.set(key, made);
    return made;
  };
  const { promptLength, answerLength, check } = world;
  return { name, vocabulary, promptLength, answerLength, rows, check, teacher: oracleTeacher(next, vocabulary) };
}

/** Running results of five operations: .9 right, .05 each neighbour; a trace of uniform, for the logarithm in rkl. */
export function chain(): ToyTask {
  const world = arithmetic({ preset: 'chain', smoothing: 1e-9 });
  const task = taskOf('chain', world, (n, stream, except) => world.problems(n, stream, except && { except }));
  // a digit and five of four operations
  return { ...task, problems: 10 * 4 ** 5 };
}

/** Translation into one of two registers. */
export function translation(): ToyTask {
  const world = toyLanguages({ preset: 'mini' });
  return taskOf('mini', world, (n, stream, except) => world.rows(n, stream, except && { except }));
}

/** Summaries of the two facts in the headlines, and of nothing else; references make no errors. */
export function summaries(): ToyTask {
  const world = newsroom({
    ...{ heads: 2, clauseRates: [0, 1, 0], mainFirstRate: 1, stereotypeRate: 0, errorRate: 0 },
  });
  const mark = ' <sep>';
  const { pad, eos } = world.ids;
  const articleOf = (prompt: string) => world.parse(prompt.slice(0, -mark.length));
  const faithful = (prompt: string, completion: string): boolean =>
    world.entails(articleOf(prompt), completion).label === 'entailment';
  return {
    name: 'newsroom',
    vocabulary: vocabularyOf({ ...world, ids: { pad, eos } }),
    promptLength: world.encode(world.articles(1, rng(0))[0]?.text + mark).length,
    // two clauses of three words and a full stop
    answerLength: 9,
    rows: (n, stream, except) => {
      const rows: ToyRow[] = [];
      while (rows.length < n) {
        const [row] = world.rows(1, stream) as [ToyRow];
        if (!except?.has(row.prompt + mark)) rows.push({ prompt: row.prompt + mark, completion: row.completion });
      }
      return rows;
    },
    faithful,
    // both headlines, each told once, and nothing false
    check(prompt, completion) {
      const article = articleOf(prompt);
      const { clauses, label } = world.entails(article, completion);
      const told = clauses.map(({ fact }) => fact);
      const heads = article.facts.flatMap((fact, i) => (fact.head ? [i] : []));
      return label === 'entailment' && told.length === 2 && heads.every((i) => told.includes(i));
    },
  };
}
