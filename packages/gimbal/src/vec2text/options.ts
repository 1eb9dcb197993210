// The options of gimbal vec2text, each of some actions.
import { z } from 'zod';
import type { CommandContext } from '../cli/command.ts';
import { type Action, of } from './actions.ts';
import { trainOptions } from './train-options.ts';

const count = z.int().min(1);
const chance = z.number().min(0).default(0);
const inverting: readonly Action[] = ['invert', 'use an inverter'];

const named = {
  data: of(
    ['train', 'encode', 'decode', 'evaluate', 'explore', ...inverting],
    z.string().min(1).optional(),
    'sentences, a line of a .txt each, or text, with rtt, paraphrase, edit and group, in a .jsonl, .csv or .parquet; for decode, vectors as code in a .jsonl',
  ),
  columns: of(
    ['train', 'encode', 'evaluate', 'explore', ...inverting],
    z.record(z.string(), z.string()).optional(),
    'names of your columns, for example text=sentence,rtt=back',
  ),
  model: of(
    ['train', 'encode', 'decode', 'evaluate', 'explore', 'use an inverter'],
    z.string().optional(),
    'the model, if it is not named behind the action; train: one to go on from, as it is',
  ),
  text: of(
    ['encode', 'explore', 'use an inverter'],
    z.array(z.string()).meta({ whole: true }).optional(),
    'a sentence, in place of --data; for more the flag again',
  ),
};

const written = {
  project: of(
    ['decode'],
    z.boolean().default(false),
    'bring vectors outside the space into it, instead of refusing them',
  ),
  temperature: of(['decode'], chance, '0 takes the likeliest words'),
  topK: of(['decode'], z.int().min(0).default(0), 'draw among the k likeliest; 0 = all'),
  topP: of(['decode'], z.number().positive().max(1).default(1), 'draw among the likeliest of this probability'),
  beams: of(['decode', ...inverting], count.default(1), 'width of the search'),
  sample: of(['decode'], count.optional(), 'so many vectors by chance, in place of --data'),
  prior: of(
    ['decode'],
    z.enum(['uniform', 'gaussian-fit', 'empirical']).default('gaussian-fit'),
    'where they are drawn: everywhere, as training’s vectors are spread, or among those of --data',
    '--sample',
  ),
};

const measured = {
  samples: of(
    ['train', 'evaluate'],
    count.default(1000),
    'vectors of each prior, pairs to interpolate (train: at most 500)',
  ),
  rows: of(['train', 'evaluate'], count.default(1000), 'held-out sentences of the generated language'),
  world: of(
    ['train', 'evaluate'],
    z.enum(['typed', 'reversible']).default('typed'),
    'which generated language, without --data (default: the model’s own)',
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
  memoryBudget: of(inverting, count.default(256), 'MiB that the texts which are generated together may take'),
};

export const vec2textOptions = z.object({ ...named, ...written, ...measured, ...inverted, ...trainOptions });
/** What the actions are given. */
export type Vec2TextFlags = Vec2TextContext['options'];
/** Where they run. */
export type Vec2TextContext = CommandContext<z.output<typeof vec2textOptions>>;
