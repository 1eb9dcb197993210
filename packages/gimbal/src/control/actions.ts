// Which options each action of gimbal control reads: --help shows them, and the others are refused.
import { z } from 'zod';
import type { CommandArgument } from '../cli/command.ts';
import { globalOptions } from '../cli/globals.ts';
import type { OptionTable } from '../options/kind.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import type { Given } from '../options/resolve.ts';

const watching = ['env', 'envOptions', 'steps', 'policy', 'size', 'stochastic', 'which'];

/** What an action reads; training reads all that is no action's alone. */
const readers = {
  eval: ['env', 'envOptions', 'episodes', 'maxSteps', 'stochastic', 'which'],
  record: watching,
  view: watching,
  envs: [],
} as const satisfies { [action: string]: readonly string[] };
/** Not of training: it keeps to the environment’s time limit, learns its own policy, plays its last one, takes the most probable actions, and records nothing. */
const notOfTraining = ['maxSteps', 'policy', 'size', 'stochastic', 'which'];

/** The actions, as they are typed. */
export const actions = ['train', 'eval', 'envs', 'record', 'view'] as const;
type Action = (typeof actions)[number];

/** Whether a word is an action. */
export const isAction = (word: string): word is Action => (actions as readonly string[]).includes(word);

function namesOf(action: Action, table: OptionTable): readonly string[] {
  if (action === 'train') return Object.keys(table.shape).filter((name) => !notOfTraining.includes(name));
  return readers[action];
}

/** The options of one action. */
export function optionsOfAction(action: Action, table: OptionTable): OptionTable {
  const names = namesOf(action, table);
  return z.object(Object.fromEntries(Object.entries(table.shape).filter(([name]) => names.includes(name))));
}

const run: CommandArgument = {
  name: 'run',
  description: 'folder of a trained run, or its name in runs/',
  required: true,
};
const played = 'folder of a trained run or its name in runs/, which is played in its environment; or --env';
const pictures = 'steps to show; episodes that end begin again (default 300)';

/** What --help of an action says: its summary, what follows it, and options that mean something else there. */
const help: {
  readonly [action in Action]: {
    summary: string;
    arguments: readonly CommandArgument[];
    options?: { readonly [name: string]: string };
  };
} = {
  train: {
    summary: 'Train an agent in an environment, or solve a table exactly.',
    arguments: [],
    options: {
      steps:
        'environment steps in all (default 100000), with --resume a larger number trains on; tables: outer steps (default 200, of --inner closed-form on CliffWorld 2000); a table is not gone on with',
      out: 'name (in runs/) or path of the run’s folder (default the next runs/control-N)',
    },
  },
  eval: { summary: 'Play whole episodes with a trained agent: their return, with its interval.', arguments: [run] },
  envs: { summary: 'List environments and tables.', arguments: [] },
  record: {
    summary: 'Record what a body does: numbers, pictures or a page.',
    arguments: [{ name: 'run', description: played, required: false }],
    options: {
      steps: pictures,
      out: 'file: .json, .html, .gif, .apng, or .png for a folder of them (default <environment>.json in the working directory)',
    },
  },
  view: {
    summary: 'Write a page that shows what a body does; it plays in any browser.',
    arguments: [{ name: 'file', description: `a recording, or the ${played}`, required: false }],
    options: {
      steps: pictures,
      out: 'the page (default <run, recording or environment>.html in the working directory)',
    },
  },
};

/** Actions that leave nothing: there is no place to name for it. */
const withoutOut: readonly Action[] = ['eval', 'envs'];

/** Summary and arguments of an action, for its --help, and the options of every command that it has no use for. */
export const helpOfAction = (
  action: Action,
): Pick<(typeof help)[Action], 'summary' | 'arguments'> & { unused: readonly string[] } => ({
  ...help[action],
  unused: [...(action === 'train' ? [] : ['resume']), ...(withoutOut.includes(action) ? ['out'] : [])],
});

/** The options of one action, each said as it is meant there. */
export function shownOfAction(action: Action, table: OptionTable): OptionTable {
  const { shape } = optionsOfAction(action, table);
  const all = { ...globalOptions.shape, ...shape } as OptionTable['shape'];
  const said = Object.entries(help[action].options ?? {}).map(([name, text]) => [name, all[name]?.describe(text)]);
  return z.object({ ...shape, ...Object.fromEntries(said) });
}

const why: { readonly [action in Action]: string } = {
  train: 'training learns its own policy, plays it as it is at the end, and records nothing',
  eval: 'an agent has what it was trained with, and is only played here',
  record: 'an agent has what it was trained with, and is only watched here',
  view: 'an agent has what it was trained with, and is only watched here',
  envs: 'it lists environments',
};

/** @throws ConfigError for an option that the action does not read */
export function refuseOfOthers(action: Action, table: OptionTable, given: ReadonlyMap<string, Given>): void {
  const names = namesOf(action, table);
  const others = Object.keys(table.shape).filter((name) => !names.includes(name));
  if (withoutOut.includes(action))
    refuseGiven(`gimbal control ${action}`, given, ['out'], 'it leaves no file: --json prints what it found');
  if (action === 'train') {
    const limit = 'its evaluations go by the environment’s time limit: some set it with --env-options maxSteps=200';
    refuseGiven('gimbal control train', given, ['maxSteps'], limit);
  }
  refuseGiven(`gimbal control ${action}`, given, others, why[action]);
}
