// gimbal vec2text: train a bottleneck autoencoder, and use it: texts to vectors and back, measures, a page, inversion.
import { ConfigError, nearest } from '@gimbal/tensor-core';
import { type CommandResult, defineCommand } from '../cli/command.ts';
import { type Action, optionsOfAction, refuseOfOthers } from '../vec2text/actions.ts';
import { inItsFlags } from '../vec2text/flags.ts';
import { namedModel } from '../vec2text/open.ts';
import { type Vec2TextContext, vec2textOptions } from '../vec2text/options.ts';

const actions: Record<string, (context: Vec2TextContext) => Promise<CommandResult>> = {
  train: async (c) => (await import('../vec2text/train.ts')).trainModel(c),
  encode: async (c) => (await import('../vec2text/encode.ts')).encodeFile(c),
  decode: async (c) => (await import('../vec2text/decode.ts')).decodeFile(c),
  evaluate: async (c) => (await import('../vec2text/evaluate.ts')).evaluateModel(c),
  interpolate: async (c) => (await import('../vec2text/in-space.ts')).interpolateTexts(c),
  perturb: async (c) => (await import('../vec2text/in-space.ts')).perturbTexts(c),
  nearest: async (c) => (await import('../vec2text/in-space.ts')).nearestToTexts(c),
  arithmetic: async (c) => (await import('../vec2text/in-space.ts')).addTexts(c),
  optimise: async (c) => (await import('../vec2text/search.ts')).optimiseText(c),
  explore: async (c) => (await import('../vec2text/explore.ts')).writePage(c),
  invert: async (c) =>
    namedModel(c) === undefined
      ? (await import('../vec2text/invert.ts')).invertTexts(c)
      : (await import('../vec2text/invert-vectors.ts')).invertVectors(c),
};

export const command = defineCommand({
  summary:
    'Turn sentences into vectors and vectors into sentences: train, encode, decode, evaluate, move in the space, explore, invert. With an action, --help shows its options.',
  arguments: [
    { name: 'what', description: Object.keys(actions).join(', '), required: true },
    {
      name: 'model',
      description: 'folder of a model or of its run; train: one to go on from; invert: an inverter',
      required: false,
    },
  ],
  options: vec2textOptions,
  optionsFor: (word) =>
    Object.hasOwn(actions, word) ? (optionsOfAction(word, vec2textOptions) as typeof vec2textOptions) : undefined,
  resumes: true,
  examples: [
    'gimbal vec2text train --out runs/space                       on a generated language of known meaning',
    'gimbal vec2text train --data sentences.txt --out runs/mine   your sentences; without translators by a telegraph style',
    'gimbal vec2text train runs/space --data sentences.txt        go on from a model, with its sizes and words',
    'gimbal vec2text train --resume --out runs/mine               go on with the run that was stopped',
    'gimbal vec2text encode runs/mine --data new.txt --out codes.jsonl',
    'gimbal vec2text decode runs/mine --data codes.jsonl --temperature 1',
    'gimbal vec2text decode runs/mine --sample 20',
    'gimbal vec2text interpolate runs/mine --text "a dog runs" --text "two men, asleep" --points 7',
    'gimbal vec2text perturb runs/mine --text "a dog runs" --scale .5 --sample 10',
    'gimbal vec2text nearest runs/mine --text "a dog runs" --data sentences.txt --neighbours 3',
    'gimbal vec2text arithmetic runs/mine --text "a dog runs" --plus "a man slept" --minus "a man sleeps" --project',
    'gimbal vec2text optimise runs/mine --reward ./score.mjs      the text that a module of yours likes best',
    'gimbal vec2text evaluate runs/space                          the four properties, with a page',
    'gimbal vec2text explore runs/mine --out mine.html            two sentences and what lies between, in one file',
    'gimbal vec2text invert --embedder sentence-transformers/all-MiniLM-L6-v2 --data sentences.txt --out runs/inverter',
    'gimbal vec2text invert runs/inverter --data vectors.jsonl    vectors of that model (or sentences) to text',
  ],
  async run(context) {
    const [what = ''] = context.arguments;
    const action = actions[what];
    if (action === undefined) {
      const near = nearest(what, Object.keys(actions));
      throw new ConfigError({
        where: 'gimbal vec2text',
        what: 'no such action',
        got: what,
        wanted: Object.keys(actions).join(', '),
        ...(near !== undefined && { fix: `Did you mean ${near}?` }),
      });
    }
    if (context.options.resume && what !== 'train' && what !== 'invert')
      throw new ConfigError({ where: `gimbal vec2text ${what} --resume`, what: 'only training is gone on with' });
    refuseOfOthers(
      what === 'invert' && namedModel(context) !== undefined ? 'use an inverter' : (what as Action),
      vec2textOptions,
      context.given,
    );
    return inItsFlags(what, () => action(context));
  },
});
