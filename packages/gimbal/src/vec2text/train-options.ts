// What training is told: of a model, and of an inverter.
import { z } from 'zod';
import { heldOutOption } from '../options/held-out.ts';
import { type Action, of } from './actions.ts';

const count = z.int().min(1);
const inPairs = 'two folders for each pivot, separated by a comma: one into a language has none back';
/** sentences that are all made first, and kept in memory: a million is 250 MB, before they are tokens */
const most = 2_000_000;
export const generated = count.refine(
  (sentences) => sentences <= most,
  `more than ${most} sentences, which are all made first and kept in memory; an update reads --batch-size of them`,
);
const train: readonly Action[] = ['train'];
const both: readonly Action[] = ['train', 'invert'];
const invert: readonly Action[] = ['invert'];

/** What a model learns from, and how round trips are made. */
const material = {
  objective: of(
    train,
    z.enum(['ae', 'dae', 'rtt', 'rtt-reverse', 'mix']).default('rtt'),
    'what the encoder reads: the sentence (ae), a noisy one (dae), its round trip (rtt), one of them (mix)',
  ),
  translators: of(
    train,
    z
      .array(z.string())
      .refine((folders) => folders.length > 0 && folders.length % 2 === 0, inPairs)
      .optional(),
    'two model folders for each pivot language, into it and back (default: a telegraph style, which needs none)',
  ),
  translatorPrefixes: of(
    train,
    z.array(z.string()).min(2, 'one for each translator, separated by a comma').optional(),
    'what each translator is told before a text, as T5 was taught',
  ),
  telegraph: of(
    train,
    z.enum(['auto', 'english', 'frequent']).default('auto'),
    'words that the telegraph style leaves out: English function words, or the most frequent ones of your sentences (auto: those where English ones are rare)',
    'without --translators',
  ),
  pivotsPerSentence: of(train, count.default(1), 'pivot languages that each sentence goes through'),
  tripsPerPivot: of(train, count.default(2), 'round trips of a sentence through each of them'),
  tripTemperature: of(train, z.number().min(0).default(1), 'of the translators; 0 takes the likeliest words'),
  pairs: of(train, z.string().optional(), 'round trips you have, a .jsonl of source and rtt'),
  minSimilarity: of(
    train,
    z.number().min(0).max(1).default(0),
    'leave out round trips that share fewer words with their sentence (F1)',
  ),
  dropIdentical: of(train, z.boolean().default(false), 'leave out round trips that come back as they were'),
  mix: of(
    train,
    z.record(z.string(), z.string()).optional(),
    'weights of ae, dae and rtt (default ae=.5,rtt=.5)',
    '--objective mix',
  ),
  drop: of(train, z.number().min(0).lt(1).default(0.3), 'chance that a word is dropped', 'with dae'),
  blank: of(train, z.number().min(0).max(1).default(0), 'chance that a word is masked', 'with dae'),
  substitute: of(train, z.number().min(0).max(1).default(0), 'chance that a word becomes another', 'with dae'),
  shuffle: of(train, z.number().min(0).default(0), 'places that a word moves at most', 'with dae'),
  heldOut: of(
    train,
    heldOutOption.optional(),
    'sentences of --data to evaluate on: a number, or a share (default: a fiftieth; of few a tenth, up to 20)',
  ),
  overflow: of(
    train,
    z.enum(['drop', 'cut', 'error']).default('drop'),
    'what becomes of sentences longer than --max-length',
  ),
  sentences: of(train, generated.default(50_000), 'sentences of the generated language'),
};

/** How large it is, and how it is updated. */
const learning = {
  steps: of(
    both,
    count.optional(),
    'updates, of each stage (default 5000); train: with --resume a larger number trains on',
  ),
  batchSize: of(both, count.default(64), 'sentences of an update'),
  accumulate: of(train, count.default(1), 'batches in one update'),
  learningRate: of(both, z.number().positive().default(2e-3), 'peak of a cosine with warm-up'),
  warmup: of(
    train,
    z.int().min(0).optional(),
    'updates in which the learning rate rises (default: 300, of few a tenth)',
  ),
  optimizer: of(
    train,
    z.enum(['adamw', 'adam', 'sgd', 'rmsprop', 'adafactor', 'lion', 'muon']).default('adamw'),
    'how weights are updated',
  ),
  weightDecay: of(train, z.number().min(0).default(0.01), 'share of the learning rate by which weights shrink'),
  maxGradNorm: of(train, z.number().positive().default(1), 'clips the norm of the gradient'),
  evalEvery: of(
    train,
    count.optional(),
    'updates between evaluations (default: a tenth of the steps; of the generated language at the end)',
  ),
  evalSamples: of(train, count.default(200), 'held-out sentences that an evaluation decodes'),
  statsSamples: of(train, z.int().min(2).default(2000), 'sentences that the statistics of vectors are computed from'),
  space: of(train, z.enum(['box', 'ball', 'sphere', 'free']).default('box'), 'where vectors live'),
  controlDim: of(train, count.default(32), 'coordinates of a vector'),
  memorySlots: of(train, count.default(4), 'places that the decoder attends to, made of the vector'),
  width: of(both, count.default(64), 'width of the model'),
  heads: of(both, count.default(4), 'heads of attention, which divide the width'),
  ffn: of(both, count.optional(), 'width inside the MLPs of the blocks (default: twice --width)'),
  layers: of(both, count.default(1), 'blocks of the encoder, and of the decoder'),
  encoderLayers: of(both, count.optional(), 'blocks of the encoder (default: --layers)'),
  decoderLayers: of(both, count.optional(), 'blocks of the decoder (default: --layers)'),
  maxLength: of(both, count.optional(), 'longest sentence in tokens (default: that of the data, at most 64)'),
  vocabulary: of(both, count.default(4000), 'tokens that are learnt of your sentences'),
  zNoise: of(train, z.number().min(0).default(0), 'σ of normal noise on vectors'),
  klCoef: of(
    train,
    z.number().min(0).default(0),
    'weight of the KL of a variational autoencoder; 0 = none',
    '--space free',
  ),
};

/** Of an inverter alone. */
const inversion = {
  embeddingTokens: of(invert, count.default(16), 'pseudo-tokens that a vector becomes'),
  dropout: of(invert, z.number().min(0).lt(1).default(0.1), 'chance that a number of what reads a vector is dropped'),
  correctorSteps: of(invert, count.optional(), 'updates of the corrector (default: as many as --steps)'),
  guesses: of(invert, count.default(4), 'guesses of each sentence that the corrector learns from'),
  guessNoise: of(
    invert,
    z.number().min(0).default(1),
    'greatest noise on the vectors that are guessed from, as a share of their length; 0 = none',
  ),
  guessTemperature: of(invert, z.number().min(0).default(0), 'of these guesses; 0 takes the likeliest words'),
};

export const trainOptions = { ...material, ...learning, ...inversion };
