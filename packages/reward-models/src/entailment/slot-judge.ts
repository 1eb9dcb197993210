// A judge of texts made of clauses `subject verb object .`, such as the newsroom's, small enough to be trained in seconds on
// labelled pairs (rlef.md 5.1): how good it is follows from how many labels it saw.
//   match(c, f) = MLP(e(c₁)ᵀB₁e(f₁), e(c₂)ᵀB₂e(f₂), e(c₃)ᵀB₃e(f₃)),  z = min over clauses of max over facts, within ±3.5

import { type Dataset, isKind } from '@gimbal/language-models';
import {
  ConfigError,
  checkCount,
  checkKnown,
  DataError,
  DataTrainer,
  disposeTree,
  EpochSampler,
  embedding,
  type LoopOptions,
  type LoopSetup,
  LoopTrainer,
  linear,
  loopNames,
  mapBatches,
  optionNames,
  type Params,
  rng,
  StoppedError,
} from '@gimbal/tensor-core';
import {
  add,
  clipByValue,
  matMul,
  max,
  mean,
  min,
  mul,
  reshape,
  type Scalar,
  sign,
  slice,
  softplus,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { hashLists } from '../data/hash-lists.ts';
import { checkSaved } from '../options/check-saved.ts';
import type { EntailmentJudge } from './judge.ts';

// nothing is evaluated while it learns, no row is long, and there are no blocks to recompute
const { evalEvery, keepBest, earlyStop, overflow, gradientCheckpointing, ...loopOfSlots } = loopNames;

/** What the judge reads, and how it is trained. */
export interface SlotJudgeOptions
  extends Pick<LoopOptions, Exclude<keyof typeof loopOfSlots, 'learningRate' | 'batchSize'>>,
    Partial<Pick<LoopOptions, 'learningRate' | 'batchSize'>> {
  /** All words of the texts. */
  words: readonly string[];
  /** Rows of kind `labelled-pair`: premise, hypothesis, and whether it is entailed: `entailment` or not, true or false. */
  data: Dataset;
  /** Ends a clause (`.`). */
  dot?: string;
  /** Words that are no part of a clause (`headline`). */
  ignore?: readonly string[];
  /** Numbers of a word's embedding (24). */
  width?: number;
  /** Units of the MLP (16). */
  hidden?: number;
}

const largest = 3.5;
const far = 1e4;

/** Clauses as ids [·3]; undefined where one has another form. */
type Clauses = readonly number[] | undefined;

interface Pair {
  readonly facts: readonly number[];
  readonly clauses: readonly number[];
  readonly target: number;
}

const slotNames = optionNames<SlotJudgeOptions>({
  words: true,
  data: true,
  dot: true,
  ignore: true,
  width: true,
  hidden: true,
  ...loopOfSlots,
});

/** The loop of a judge, before it is made. */
interface PreparedSlots {
  readonly setup: LoopSetup<readonly Pair[]>;
  readonly read: (text: string) => Clauses;
}

/** Trains the judge of clauses. Owns its parameters until `dispose()`. */
export class SlotJudgeTrainer extends DataTrainer<readonly Pair[]> {
  /** Judges with the parameters as they are: usable during training and until `dispose()`. */
  readonly judge: EntailmentJudge;

  /** @throws ConfigError for options, DataError naming a row that is no pair of clauses; nothing is kept then */
  constructor(options: SlotJudgeOptions);
  /** @internal a loop that was resumed */
  constructor(options: SlotJudgeOptions, prepared: PreparedSlots, loop: LoopTrainer<readonly Pair[]>);
  constructor(options: SlotJudgeOptions, prepared = prepare(options), loop = loopOf(prepared)) {
    super(loop);
    this.judge = judgeOf(() => this.params, prepared.read);
  }

  /**
   * Goes on with a saved run.
   * @throws CheckpointError where there is no valid checkpoint, or it is another run's: of other options or other rows
   */
  static async resume(
    from: string,
    options: SlotJudgeOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<SlotJudgeTrainer> {
    checkKnown('SlotJudgeTrainer.resume', o, ['warn']);
    const prepared = prepare(options);
    try {
      return new SlotJudgeTrainer(options, prepared, await LoopTrainer.resume(from, prepared.setup, o));
    } finally {
      disposeTree(prepared.setup.params);
    }
  }
}

/** Checks options and rows, and makes the first parameters. */
function prepare(options: SlotJudgeOptions): PreparedSlots {
  checkKnown('SlotJudgeTrainer', options, slotNames);
  const { words, data, dot = '.', ignore = ['headline'], width = 24, hidden = 16, ...loop } = options;
  for (const [name, n] of Object.entries({ width, hidden })) checkCount(`SlotJudgeTrainer.${name}`, n);
  const twice = words.find((word, i) => words.indexOf(word) < i);
  if (twice !== undefined) {
    throw new ConfigError({ where: 'SlotJudgeTrainer.words', what: 'a word is given twice', got: twice });
  }
  checkSaved('SlotJudgeTrainer', loop);
  const read = clauseReader(words, dot, ignore);
  const pairs = pairsOf(data, read);
  const seen = pairs.flatMap(({ facts, clauses, target }): ArrayLike<number>[] => [facts, clauses, [target]]);
  const batchSize = Math.min(loop.batchSize ?? 64, pairs.length);
  const sampler = new EpochSampler(pairs.length, { batchSize, rng: rng(loop.seed).split('data') });
  const setup: LoopSetup<readonly Pair[]> = {
    params: initial(words.length, width, hidden, loop.seed),
    batches: mapBatches(sampler, (indices) => Array.from(indices, (i) => pairs[i] as Pair)),
    loss: (p, batch) => {
      const z = entailmentLogits(p, batch);
      const targets = tensor1d(batch.map((pair) => pair.target));
      // −t log σ(z) − (1 − t) log σ(−z)
      const losses = sub(softplus(z), mul(targets, z));
      const wanted = tensor1d(batch.map((pair) => 2 * pair.target - 1));
      const right = mean(mul(add(mul(sign(z), wanted), 1), 0.5)); // ties half
      return { sum: sum(losses) as Scalar, weight: batch.length, metrics: { accuracy: right as Scalar } };
    },
    options: { optimizer: { name: 'adam' }, ...loop, learningRate: loop.learningRate ?? 1e-2, batchSize },
    config: { words, dot, ignore, width, hidden, pairs: pairs.length, rows: hashLists(seen) },
  };
  return { setup, read };
}

/** A new loop; it has its own copy of the first parameters, which are disposed. */
function loopOf({ setup }: PreparedSlots): LoopTrainer<readonly Pair[]> {
  try {
    return new LoopTrainer(setup);
  } finally {
    disposeTree(setup.params);
  }
}

/**
 * A judge with parameters that were trained before, as `SlotJudgeTrainer.params` had them.
 * @param params used until the last call, not kept beyond it; the caller disposes them
 */
export function slotJudge(
  params: Params,
  { words, dot = '.', ignore = ['headline'] }: Pick<SlotJudgeOptions, 'words' | 'dot' | 'ignore'>,
): EntailmentJudge {
  return judgeOf(() => params, clauseReader(words, dot, ignore));
}

function judgeOf(params: () => Params, read: (text: string) => Clauses): EntailmentJudge {
  const floor = logSigmoid(-largest);
  return {
    name: 'slots',
    logProb: async (premises, hypotheses, { signal } = {}) => {
      if (premises.length !== hypotheses.length) {
        const what = 'premises and hypotheses differ in number';
        throw new DataError({ where: 'judge slots', what, got: hypotheses.length, wanted: premises.length });
      }
      const out = new Float32Array(premises.length).fill(floor);
      const known: { pair: Pair; at: number }[] = [];
      premises.forEach((premise, at) => {
        const facts = read(premise);
        if (facts === undefined || facts.length === 0) {
          const what = facts ? 'the premise is empty' : 'a sentence of the premise is no clause';
          throw new DataError({ where: `judge slots, row ${at}`, what, got: premise.slice(0, 80) });
        }
        const clauses = read(hypotheses[at] as string);
        if (clauses !== undefined && clauses.length > 0) known.push({ pair: { facts, clauses, target: 0 }, at });
      });
      for (let from = 0; from < known.length; from += 256) {
        if (signal?.aborted) throw new StoppedError({ where: 'judge slots', what: 'stopped' });
        const some = known.slice(from, from + 256);
        const z = tidy(() =>
          entailmentLogits(
            params(),
            some.map(({ pair }) => pair),
          ),
        );
        const values = await z.data();
        z.dispose();
        some.forEach(({ at }, i) => {
          out[at] = logSigmoid(values[i] as number);
        });
      }
      return out;
    },
  };
}

const logSigmoid = (z: number): number => -(Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z))));

function clauseReader(words: readonly string[], dot: string, ignore: readonly string[]): (text: string) => Clauses {
  const ids = new Map(words.map((word, id) => [word, id]));
  return (text) => {
    const out: number[] = [];
    let clause: number[] = [];
    for (const word of text.split(/\s+/)) {
      if (word === '' || ignore.includes(word)) continue;
      if (word !== dot) {
        const id = ids.get(word);
        if (id === undefined) return undefined;
        clause.push(id);
        continue;
      }
      if (clause.length !== 3) return undefined;
      out.push(...clause);
      clause = [];
    }
    return clause.length === 0 ? out : undefined;
  };
}

/** Rows whose hypothesis has clauses; the others are told by their form alone. */
function pairsOf(data: Dataset, read: (text: string) => Clauses): Pair[] {
  if (!isKind(data, 'labelled-pair')) {
    const wanted = 'labelled-pair: premise, hypothesis, label';
    throw new DataError({
      where: data.where(0),
      what: 'rows of this kind are no labelled pairs',
      got: data.kind,
      wanted,
    });
  }
  const pairs = data.rows.flatMap(({ premise, hypothesis, label }, i): Pair[] => {
    const facts = read(premise);
    if (facts === undefined || facts.length === 0) {
      const wanted = 'subject verb object . …';
      throw new DataError({
        where: data.where(i),
        what: 'the premise has no clauses',
        got: premise.slice(0, 80),
        wanted,
      });
    }
    const target = typeof label === 'string' ? Number(label.toLowerCase() === 'entailment') : Number(label);
    if (target !== 0 && target !== 1) {
      const wanted = 'entailment or another name, true or false, 1 or 0';
      throw new DataError({ where: data.where(i), what: 'no verdict', got: label, wanted });
    }
    const clauses = read(hypothesis);
    return clauses === undefined || clauses.length === 0 ? [] : [{ facts, clauses, target }];
  });
  if (pairs.length === 0) throw new DataError({ where: data.where(0), what: 'no hypothesis has clauses' });
  return pairs;
}

function initial(words: number, width: number, hidden: number, seed: number): Params {
  const stream = rng(seed).split('init');
  const normal = (name: string, shape: number[], std: number): Tensor => stream.split(name).normalTensor(shape, 0, std);
  return {
    embedding: normal('embedding', [words, width], width ** -0.5),
    ...Object.fromEntries([0, 1, 2].map((k) => [`match${k}`, normal(`match${k}`, [width, width], width ** -0.5)])),
    hiddenWeight: normal('hidden', [3, hidden], 3 ** -0.5),
    hiddenBias: tensor1d(new Array<number>(hidden).fill(0)),
    outWeight: normal('out', [hidden, 1], hidden ** -0.5),
    outBias: tensor1d([0]),
  };
}

/** z of each pair [B]. */
function entailmentLogits(p: Params, batch: readonly Pair[]): Tensor1D {
  const table = (side: 'facts' | 'clauses'): { ids: Tensor; count: number; lengths: number[] } => {
    const lengths = batch.map((pair) => pair[side].length / 3);
    const count = lengths.reduce((a, b) => Math.max(a, b), 0);
    const ids = new Int32Array(batch.length * count * 3);
    batch.forEach((pair, b) => {
      ids.set(pair[side], b * count * 3);
    });
    return { ids: tensor(ids, [batch.length, count, 3], 'int32'), count, lengths };
  };
  const [f, c] = [table('facts'), table('clauses')];
  const [B, F, C] = [batch.length, f.count, c.count];
  const at = p as Record<string, Tensor>;
  const d = (at.embedding as Tensor).shape[1] as number;
  const slots = (ids: Tensor, n: number): Tensor[] => {
    const e = reshape(embedding(reshape(ids, [B * n, 3]), at.embedding as Tensor), [B, n, 3, d]);
    return [0, 1, 2].map((k) => reshape(slice(e, [0, 0, k, 0], [B, n, 1, d]), [B, n, d]));
  };
  const [factSlots, clauseSlots] = [slots(f.ids, F), slots(c.ids, C)];
  // e(c)ᵀ B e(f) for all clauses and facts [B,C,F], slot by slot
  const matches = clauseSlots.map((clause, k) => {
    const turned = reshape(matMul(reshape(clause, [B * C, d]), at[`match${k}`] as Tensor), [B, C, d]);
    return matMul(turned, factSlots[k] as Tensor, false, true);
  });
  const features = stack(matches, 3); // [B,C,F,3]
  const hidden = linear(features, at.hiddenWeight as Tensor, { bias: at.hiddenBias as Tensor, activation: 'relu' });
  const scores = reshape(linear(hidden, at.outWeight as Tensor, { bias: at.outBias as Tensor }), [B, C, F]);
  const mask = (lengths: readonly number[], n: number, shape: number[], value: number): Tensor =>
    tensor(
      lengths.flatMap((length) => Array.from({ length: n }, (_, i) => (i < length ? 0 : value))),
      shape,
    );
  const best = max(add(scores, mask(f.lengths, F, [B, 1, F], -far)), 2); // [B,C]
  const least = min(add(best, mask(c.lengths, C, [B, C], far)), 1); // [B]
  return clipByValue(least, -largest, largest) as Tensor1D;
}
