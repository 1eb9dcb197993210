// The options of gimbal vec2text, each of some actions.
import { z } from 'zod';
import type { CommandContext } from '../cli/command.ts';
import { type Action, of } from './actions.ts';
import { generated, trainOptions } from './train-options.ts';

const count = z.int().min(1);
const chance = z.number().min(0).default(0);
/** the language where none is asked for */
export const usualWorld = 'typed';
const inverting: readonly Action[] = ['invert', 'use an inverter'];
/** what writes texts of vectors */
const writing: readonly Action[] = ['decode', 'interpolate', 'perturb', 'arithmetic'];
const inSpace: readonly Action[] = ['interpolate', 'perturb', 'nearest', 'arithmetic'];

const sentences = 'sentences, a line of a .txt each, or text in a .jsonl, .csv or .parquet';
const vectors = 'vectors: a .npy, or code in a .jsonl';
const model = 'the model, if it is not named behind the action';

const named = {
  data: of(
    ['train', 'encode', 'decode', 'evaluate', 'explore', 'nearest', ...inverting],
    z.string().min(1).optional(),
    `sentences, a line of a .txt each, or text, with rtt, paraphrase, edit and group, in a .jsonl, .csv or .parquet; decode, and invert with an inverter: ${vectors}`,
    '',
    {
      train: `${sentences}; rtt, a round trip, paraphrase, edit and group beside it are used`,
      evaluate: `${sentences}; paraphrase, edit and group beside it are used`,
      ...{ encode: sentences, explore: sentences, nearest: sentences },
      decode: `${vectors}; with --prior empirical sentences too`,
      invert: `${sentences}: to learn from; with an inverter, to be inverted, or ${vectors}`,
    },
  ),
  columns: of(
    ['train', 'encode', 'evaluate', 'explore', 'nearest', ...inverting],
    z.record(z.string(), z.string()).optional(),
    'names of your columns, for example text=sentence,rtt=back',
  ),
  model: of(
    ['train', 'encode', 'decode', 'evaluate', 'explore', 'use an inverter', ...inSpace, 'optimise'],
    z.string().optional(),
    `${model}; train: one to go on from, as it is`,
    '',
    {
      train: 'one to go on from, as it is, if it is not named behind the action',
      ...{ encode: model, decode: model, evaluate: model, explore: model, interpolate: model, perturb: model },
      ...{ nearest: model, arithmetic: model, optimise: model },
      invert: 'an inverter to use, if it is not named behind the action',
    },
  ),
  text: of(
    ['encode', 'explore', 'use an inverter', ...inSpace],
    z.array(z.string()).meta({ whole: true }).optional(),
    'a sentence, in place of --data; for more the flag again',
  ),
};

const written = {
  project: of(
    ['decode', 'interpolate', 'arithmetic'],
    z.boolean().default(false),
    'bring vectors outside the space into it, instead of refusing them',
  ),
  temperature: of(writing, chance, '0 takes the likeliest words'),
  topK: of(writing, z.int().min(0).default(0), 'draw among the k likeliest; 0 = all'),
  topP: of(writing, z.number().positive().max(1).default(1), 'draw among the likeliest of this probability'),
  beams: of([...writing, ...inverting], count.default(1), 'width of the search'),
  sample: of(
    ['decode', 'perturb'],
    count.optional(),
    'decode: so many vectors by chance, in place of --data; perturb: so many near each sentence (default 5)',
    '',
    { decode: 'so many vectors by chance, in place of --data', perturb: 'so many near each sentence (default 5)' },
  ),
  prior: of(
    ['decode'],
    z.enum(['uniform', 'gaussian-fit', 'empirical']).default('gaussian-fit'),
    'where they are drawn: everywhere, as training’s vectors are spread, or among those of --data',
    '--sample',
  ),
};

const space = {
  points: of(['interpolate'], count.default(7), 'vectors from the one sentence to the other, both included'),
  alphas: of(
    ['interpolate'],
    z.array(z.number()).optional(),
    'where they lie, in place of even steps: 0 is the one sentence, 1 the other',
  ),
  mode: of(
    ['interpolate'],
    z.enum(['lerp', 'slerp']).optional(),
    'straight, or turning evenly (default: slerp on the sphere, else lerp)',
  ),
  extrapolate: of(['interpolate'], z.boolean().default(false), 'allow places below 0 and above 1'),
  scale: of(['perturb'], z.number().min(0).default(0.5), 'σ of the noise'),
  unit: of(
    ['perturb'],
    z.enum(['rms', 'absolute']).default('rms'),
    'what σ counts: root mean squares of training’s vectors, or the space’s own unit',
  ),
  neighbours: of(['nearest'], count.default(5), 'sentences of --data, for each'),
  metric: of(
    ['nearest'],
    z.enum(['cosine-centred', 'l2']).default('cosine-centred'),
    'how vectors are compared: the mean of training’s is taken from both before the cosine',
  ),
  plus: of(
    ['arithmetic'],
    z.array(z.string()).meta({ whole: true }).optional(),
    'a sentence whose vector is added; of several, the flag before each, their mean',
  ),
  minus: of(['arithmetic'], z.array(z.string()).meta({ whole: true }).optional(), 'one that is taken away, alike'),
  weight: of(['arithmetic'], z.number().default(1), 'of what is added and taken away'),
};

const search = {
  reward: of(
    ['optimise'],
    z.array(z.string()).optional(),
    'what a text is worth: a module, or a reward of gimbal rl; of several the sum',
  ),
  prompt: of(['optimise'], z.string().optional(), 'what the reward is told as prompt (default: nothing)'),
  episodes: of(['optimise'], count.default(2400), 'texts that are scored in all'),
  population: of(['optimise'], z.int().min(2).default(60), 'texts of a round'),
  elite: of(['optimise'], count.default(10), 'texts of a round that the next follows'),
  smoothing: of(['optimise'], z.number().positive().max(1).default(0.7), 'how far a round moves mean and deviation'),
  floor: of(['optimise'], z.number().min(0).default(0.1), 'least deviation'),
};

const measured = {
  samples: of(
    ['train', 'evaluate'],
    z.int().min(2).default(1000),
    'vectors of each prior, pairs to interpolate (train: at most 500)',
    '',
    {
      train: 'vectors of each prior, pairs to interpolate; at most 500',
      evaluate: 'vectors of each prior, pairs to interpolate',
    },
  ),
  rows: of(['train', 'evaluate'], generated.default(1000), 'held-out sentences of the generated language'),
  world: of(
    ['train', 'evaluate'],
    z.enum(['typed', 'reversible']).optional(),
    `which generated language, without --data (default ${usualWorld}; evaluate: the model’s own)`,
    '',
    {
      train: `which generated language, without --data (default ${usualWorld})`,
      evaluate: 'which generated language, without --data (default: the model’s own)',
    },
  ),
  lm: of(['evaluate'], z.string().optional(), 'folder of a language model, for the likelihood of what is written'),
  compare: of(['explore'], z.string().optional(), 'a second model, to switch to'),
};

const inverted = {
  embedder: of(
    inverting,
    z.string().optional(),
    'the embedding model: a folder, a name on the hub, or a vec2text model',
  ),
  corrections: of(inverting, z.int().min(0).default(5), 'steps of correction; 0 = the first stage alone'),
  patience: of(
    inverting,
    count.optional(),
    'stop after so many corrections that bring no text nearer (default: never)',
  ),
  memoryBudget: of(
    [...writing, ...inverting],
    count.default(256),
    'MiB that the texts which are searched together may take',
    'with --beams',
  ),
};

export const vec2textOptions = z.object({
  ...named,
  ...written,
  ...space,
  ...search,
  ...measured,
  ...inverted,
  ...trainOptions,
});
/** What the actions are given. */
export type Vec2TextFlags = Vec2TextContext['options'];
/** Where they run. */
export type Vec2TextContext = CommandContext<z.output<typeof vec2textOptions>>;
