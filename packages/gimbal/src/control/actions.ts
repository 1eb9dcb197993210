// Which options each action of gimbal control reads: --help shows them, and the others are refused.
import { z } from 'zod';
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
  if (action === 'train') {
    const limit = 'its evaluations go by the environment’s time limit: some set it with --env-options maxSteps=200';
    refuseGiven('gimbal control train', given, ['maxSteps'], limit);
  }
  refuseGiven(`gimbal control ${action}`, given, others, why[action]);
}
