// Training of an inverter, one stage at a time. First the hypothesizer: text from the vector alone. Then, of the frozen
// hypothesizer's guesses (`guesses.ts`), the corrector: the text from the vector, a guess, and the guess's vector. Pairs
// whose guess already has the vector are left out of training, as there is nothing to correct.

import { padBatch, type Tokenizer } from '@gimbal/language-models';
import {
  type BatchSource,
  DataTrainer,
  disposeTree,
  EpochSampler,
  hashTree,
  type LoopOptions,
  type LoopSetup,
  LoopTrainer,
  loopNames,
  optionNames,
  rng,
} from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';
import { checkKnown, checkName } from '../internal/check-names.ts';
import { rowsName, tokensName } from '../internal/fingerprint.ts';
import { refusal } from '../internal/refuse.ts';
import { takeRows } from '../internal/take-rows.ts';
import { lengthMask } from '../model/token-rows.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import { type InverterConfig, inverterConfig } from './config.ts';
import { checkIsEmbedder, checkSomeVector, type Embedder, embedAll } from './embedder.ts';
import { type Guesses, type GuessOptions, guessAll, guessOptions } from './guesses.ts';
import { checkEmbedder, type Inverter, type InverterParts } from './inverter.ts';
import { type InversionInput, initInverter, inverterLoss, type Stage } from './models.ts';
import { type FixedRows, fixedRows } from './rows.ts';
import { checkInverterTokenizer, idsOfInverter } from './special-ids.ts';
import { type EmbeddingSpread, embeddingSpread } from './spread.ts';

/** What is used where nothing is given. */
export const inverterTrainDefaults = { learningRate: 1e-3, batchSize: 64, maxGradNorm: 1, dropout: 0.1 } as const;

/** What a trainer of an inverter takes: the loop's options, of which none but the seed is needed, and its own. */
export interface InverterTrainerOptions
  extends Omit<LoopOptions, keyof typeof inverterTrainDefaults | 'overflow' | 'accumulate'>,
    Partial<Pick<LoopOptions, keyof LoopOptions & keyof typeof inverterTrainDefaults>> {
  /** Whose vectors are to be inverted; it is not trained. */
  embedder: Embedder;
  /** Texts to learn from. */
  texts: readonly string[];
  /** Which model is trained. */
  stage: Stage;
  /** For the hypothesizer: texts to tokens and back. The corrector takes that of `from`. */
  tokenizer?: Tokenizer;
  /** For the hypothesizer: sizes of both models. The special ids are the tokenizer's. */
  config?: Partial<Omit<InverterConfig, 'vocabSize' | 'embeddingDim'>>;
  /** For the corrector: the inverter whose hypotheses it learns to correct; not changed, not kept beyond the trainer. */
  from?: Inverter;
  /** For the corrector: how the hypotheses are made that it learns from. */
  guesses?: GuessOptions;
  /** For the corrector: told while the hypotheses are made, before the first step, how many are done, and of how many. */
  onGuesses?: (done: number, total: number) => void;
  /** Chance in [0, 1) that a number between the two layers that read a vector is dropped in training (.1). */
  dropout?: number;
  /** What becomes of a text longer than the model: left out and counted, or refused (`drop`). */
  overflow?: 'drop' | 'error';
}

const names = optionNames<InverterTrainerOptions>({
  ...loopNames,
  ...{ embedder: true, texts: true, stage: true, tokenizer: true, config: true, from: true, guesses: true },
  ...{ dropout: true, onGuesses: true },
});

/** A batch: numbers of rows, or of guesses. */
type Batch = readonly number[];

/** What is computed before the first step. */
interface Prepared {
  embeddings: Float32Array;
  spread: EmbeddingSpread;
  guesses: Guesses | undefined;
}

/**
 * Trains one stage of an inverter. Owns its parameters until `dispose()`; the first step also embeds the texts.
 */
export class InverterTrainer extends DataTrainer<Batch> {
  readonly #parts: Omit<InverterParts, 'hypothesizer' | 'corrector'>;
  readonly #options: InverterTrainerOptions;
  readonly #spread: Made['spread'];
  /** Texts that were too long. */
  readonly overflow: number;

  /** @throws ConfigError, DataError for options and texts that cannot be used, before anything is allocated */
  constructor(options: InverterTrainerOptions);
  /** @internal a loop that was resumed */
  constructor(options: InverterTrainerOptions, made: Made, loop: LoopTrainer<Batch>);
  constructor(options: InverterTrainerOptions, made = make(options), loop = started(made)) {
    super(loop);
    this.#parts = made.parts;
    this.#options = options;
    this.#spread = made.spread;
    this.overflow = made.rows.dropped;
  }

  /**
   * Goes on with a saved run: the next losses are those of the uninterrupted one.
   * @param from a run's folder, or one of its checkpoints
   * @throws CheckpointError where there is no valid checkpoint, or it is of another configuration
   */
  static async resume(
    from: string,
    options: InverterTrainerOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<InverterTrainer> {
    const made = make(options);
    const first = initInverter(made.parts.config, options.stage, rng(options.seed).split('init'));
    try {
      return new InverterTrainer(options, made, await LoopTrainer.resume(from, { ...made.setup, params: first }, o));
    } finally {
      disposeTree(first);
    }
  }

  /** The inverter with the parameters as trained so far: the trainer's own and those of `from`, not to be disposed. */
  get inverter(): Inverter {
    const { stage, from } = this.#options;
    const models =
      stage === 'hypothesizer'
        ? { hypothesizer: this.params, corrector: undefined }
        : { hypothesizer: (from as Inverter).hypothesizer, corrector: this.params };
    const dispose = (): void => this.dispose();
    const spread = this.#spread() ?? from?.spread;
    return { ...this.#parts, ...models, ...(spread && { spread }), dispose, [Symbol.dispose]: dispose };
  }
}

interface Made {
  setup: Omit<LoopSetup<Batch>, 'params'>;
  parts: Omit<InverterParts, 'hypothesizer' | 'corrector'>;
  rows: FixedRows;
  /** undefined before the first step */
  spread(): EmbeddingSpread | undefined;
}

function started({ setup, parts }: Made): LoopTrainer<Batch> {
  const { stage } = setup.config as { stage: Stage };
  const first = initInverter(parts.config, stage, rng(setup.options.seed).split('init'));
  try {
    return new LoopTrainer({ ...setup, params: first });
  } finally {
    disposeTree(first);
  }
}

function make(options: InverterTrainerOptions): Made {
  checkKnown('InverterTrainer', options, names);
  const {
    embedder,
    texts,
    stage,
    from,
    tokenizer: own,
    config: sizes,
    overflow = 'drop',
    dropout,
    guesses: ofGuesses,
    onGuesses,
    ...loop
  } = {
    ...inverterTrainDefaults,
    ...options,
  };
  const where = 'InverterTrainer';
  checkName(`${where}.stage`, stage, ['hypothesizer', 'corrector']);
  checkName(`${where}.overflow`, overflow, ['drop', 'error']);
  checkThat(`${where}.dropout`, dropout >= 0 && dropout < 1, dropout, 'a chance in [0, 1)');
  checkSize(`${where}.batchSize`, loop.batchSize);
  const guessing = guessOptions(ofGuesses);
  checkIsEmbedder(`${where}.embedder`, embedder);
  if (stage === 'corrector') {
    if (from === undefined)
      throw refusal('CONFIG', {
        where: `${where}.from`,
        what: 'a corrector learns from hypotheses, and there is no hypothesizer',
        fix: 'Train the stage hypothesizer first',
      });
    checkIsEmbedder(`${where}.from.embedder`, from?.embedder);
    checkEmbedder(where, embedder, from.embedder);
  }
  const tokenizer = from?.tokenizer ?? own;
  if (tokenizer === undefined)
    throw refusal('CONFIG', { where: `${where}.tokenizer`, what: 'the hypothesizer needs a tokenizer' });
  const config =
    from?.config ??
    inverterConfig({
      ...{ ...sizes, ...idsOfInverter(where, tokenizer, sizes ?? {}) },
      ...{ vocabSize: tokenizer.size, embeddingDim: embedder.dim },
    });
  checkInverterTokenizer(where, tokenizer, config);
  const rows = fixedRows(where, texts, tokenizer, config, overflow);
  const n = rows.texts.length;
  const pairs = stage === 'corrector' ? n * guessing.draws : n;
  let prepared: Prepared | undefined;
  const isOpen = (pair: number): boolean => {
    const { guesses, embeddings } = prepared as Prepared;
    if (guesses === undefined) return true;
    const D = config.embeddingDim;
    const [guess, row] = [pair * D, (pair % n) * D];
    for (let j = 0; j < D; j++) if (guesses.embeddings[guess + j] !== embeddings[row + j]) return true;
    return false;
  };
  const batches = openRows(pairs, loop.batchSize, loop.seed, isOpen);
  const setup: Omit<LoopSetup<Batch>, 'params'> = {
    batches,
    prepare: async ({ signal }) => {
      if (prepared) return;
      const embeddings = await embedAll(embedder, rows.texts, { signal });
      checkSomeVector(`embedder ${embedder.name}`, embeddings);
      const guesses =
        from && stage === 'corrector'
          ? await guessAll(
              from,
              { texts: rows.texts, embeddings },
              guessing,
              rng(loop.seed).split('guesses'),
              signal,
              onGuesses && ((done) => onGuesses(done, pairs)),
            )
          : undefined;
      prepared = { embeddings, spread: embeddingSpread(embeddings, config.embeddingDim), guesses };
      if (guesses !== undefined && !Array.from({ length: pairs }, (_, i) => i).some(isOpen))
        throw refusal('NO_DATA', {
          where,
          what: 'every hypothesis already has its vector: there is nothing to correct',
          got: pairs,
        });
    },
    loss: (params, batch, { rng: stream }) => {
      const { embeddings, guesses } = prepared as Prepared;
      const at = batch.map((pair) => pair % n);
      const [L, D] = [config.maxLength, config.embeddingDim];
      const input: InversionInput = {
        embedding: tensor2d(takeRows(embeddings, at, D), [at.length, D]),
        ...(guesses && {
          hypothesis: {
            embedding: tensor2d(takeRows(guesses.embeddings, batch, D), [at.length, D]),
            ids: tensor2d(takeRows(guesses.ids, batch, L), [at.length, L], 'int32'),
          },
        }),
      };
      // unlike the encoder's, the decoder's padding is read by nobody: only as much as the longest row needs
      const target = padBatch(
        at.map((row) => rows.ids.subarray(row * L, row * L + (rows.lengths[row] as number))),
        config.padId,
      );
      const weight = target.lengths.reduce((a, b) => a + b, 0);
      const ids = tensor2d(target.ids, [at.length, target.width], 'int32');
      const drop = { rate: dropout, rng: stream };
      return { sum: inverterLoss(params, config, stage, input, ids, lengthMask(target), drop), weight };
    },
    options: { ...loop, overflow },
    config: {
      ...{ model: config, stage, embedder: embedder.hash, rows: n, dropout },
      // others of the same number are another run
      ...{ tokenizer: tokensName(tokenizer), texts: rowsName([rows.ids]) },
      ...(from && stage === 'corrector' && { hypothesizer: hashTree(from.hypothesizer) }),
      ...(stage === 'corrector' && { guesses: guessing }),
    },
  };
  return { setup, parts: { config, embedder, tokenizer }, rows, spread: () => prepared?.spread };
}

/** Batches of rows for which `isOpen`, epoch after epoch. */
function openRows(rows: number, batchSize: number, seed: number, isOpen: (row: number) => boolean): BatchSource<Batch> {
  const sampler = new EpochSampler(rows, { batchSize: 1, rng: rng(seed).split('data') });
  return {
    next: () => {
      const batch: number[] = [];
      while (batch.length < batchSize) {
        const row = sampler.next()[0] as number;
        if (isOpen(row)) batch.push(row);
      }
      return batch;
    },
    state: () => sampler.state(),
    restore: (state) => sampler.restore(state),
  };
}
