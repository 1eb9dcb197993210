// The options of gimbal vec2text, which all its actions share.
import { z } from 'zod';
import type { CommandContext } from '../cli/command.ts';

const count = z.int().min(1);

const training = {
  objective: z
    .enum(['ae', 'dae', 'rtt', 'rtt-reverse', 'mix'])
    .default('rtt')
    .describe('what the encoder reads: the sentence (ae), a noisy one (dae), its round trip (rtt), either (mix)'),
  translators: z
    .array(z.string())
    .length(2)
    .optional()
    .describe(
      'train: two model folders, into another language and back (default: a telegraph style, learnt from the data)',
    ),
  translatorPrefixes: z
    .array(z.string())
    .length(2)
    .optional()
    .describe('train: what each translator is told before a text, as T5 was taught'),
  pairs: z.string().optional().describe('train: round trips you have, a .jsonl of source and rtt'),
  steps: count.optional().describe('train, invert: updates, of each stage (default 5000)'),
  batchSize: count.default(64).describe('train, invert: sentences of an update'),
  learningRate: z.number().positive().default(2e-3).describe('train, invert: peak of a cosine with warm-up'),
  heldOut: z
    .number()
    .positive()
    .optional()
    .describe('train: sentences to evaluate on: a number, or a share (default: a fiftieth; of few a tenth, up to 20)'),
  evalEvery: count.optional().describe('train: updates between evaluations (default: at the end)'),
  space: z.enum(['box', 'ball', 'sphere', 'free']).default('box').describe('train: where vectors live'),
  controlDim: count.default(32).describe('train: coordinates of a vector'),
  width: count.default(64).describe('train, invert: width of the model'),
  layers: count.default(1).describe('train, invert: blocks of the encoder, and of the decoder'),
  maxLength: count
    .optional()
    .describe('train, invert: longest sentence in tokens (default: that of the data, at most 64)'),
  vocabulary: count.default(4000).describe('train, invert: tokens that are learnt of your sentences'),
  drop: z.number().min(0).lt(1).default(0.3).describe('train, dae: chance that a word is dropped'),
  blank: z.number().min(0).max(1).default(0).describe('train, dae: chance that a word is masked'),
  substitute: z.number().min(0).max(1).default(0).describe('train, dae: chance that a word becomes another'),
  shuffle: z.number().min(0).default(0).describe('train, dae: places that a word moves at most'),
  mixRtt: z.number().min(0).max(1).default(0.5).describe('train, mix: share of round trips; the rest is ae'),
  minSimilarity: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('train: leave out round trips that share fewer words with their sentence (F1)'),
  dropIdentical: z.boolean().default(false).describe('train: leave out round trips that come back as they were'),
  zNoise: z.number().min(0).default(0).describe('train: σ of normal noise on vectors'),
  klCoef: z
    .number()
    .min(0)
    .default(0)
    .describe('train --space free: weight of the KL of a variational autoencoder; 0 = none'),
  overflow: z
    .enum(['drop', 'cut', 'error'])
    .default('drop')
    .describe('train: what becomes of sentences longer than --max-length'),
  world: z
    .enum(['typed', 'reversible'])
    .default('typed')
    .describe('train, evaluate: which generated language, without --data (evaluate: the model’s own)'),
  sentences: count.default(50_000).describe('train: sentences of the generated language'),
};

const use = {
  data: z
    .string()
    .min(1)
    .optional()
    .describe(
      'sentences, one a line (.txt) or as text, with paraphrase, edit and group, in a .jsonl; for decode, vectors as code',
    ),
  model: z
    .string()
    .optional()
    .describe('encode, decode, evaluate, explore, invert: the model, if it is not named behind the action'),
  text: z.array(z.string()).optional().describe('encode, explore: sentences, parted by commas'),
  project: z
    .boolean()
    .default(false)
    .describe('decode: bring vectors outside the space into it, instead of refusing them'),
  temperature: z.number().min(0).default(0).describe('decode: 0 takes the likeliest words'),
  topK: z.int().min(0).default(0).describe('decode: draw among the k likeliest; 0 = all'),
  topP: z.number().positive().max(1).default(1).describe('decode: draw among the likeliest of this probability'),
  beams: count.default(1).describe('decode, invert: width of the search'),
  sample: count.optional().describe('decode: so many vectors by chance, in place of --data'),
  prior: z.enum(['uniform', 'gaussian-fit']).default('gaussian-fit').describe('decode --sample: where they are drawn'),
  samples: count
    .default(1000)
    .describe('train, evaluate: vectors of each prior, pairs to interpolate (train: at most 500)'),
  rows: count.default(1000).describe('evaluate: sentences of the generated language'),
  lm: z.string().optional().describe('evaluate: folder of a language model, for the likelihood of what is written'),
  embeddingTokens: count.default(16).describe('invert: pseudo-tokens that a vector becomes'),
  compare: z.string().optional().describe('explore: a second model, to switch to'),
  embedder: z
    .string()
    .optional()
    .describe('invert: the embedding model: a folder, a name on the hub, or a vec2text model'),
  correctorSteps: count.optional().describe('invert: updates of the corrector (default: as many as --steps)'),
  guesses: count.default(4).describe('invert: guesses of each sentence that the corrector learns from'),
  guessNoise: z
    .number()
    .min(0)
    .default(1)
    .describe('invert: greatest noise on the vectors that are guessed from, as a share of their length; 0 = none'),
  guessTemperature: z.number().min(0).default(0).describe('invert: of these guesses; 0 takes the likeliest words'),
  corrections: z.int().min(0).default(5).describe('invert: steps of correction; 0 = the first stage alone'),
};

export const vec2textOptions = z.object({ ...use, ...training });
/** What the actions are given. */
export type Vec2TextFlags = Vec2TextContext['options'];
/** Where they run. */
export type Vec2TextContext = CommandContext<z.output<typeof vec2textOptions>>;
