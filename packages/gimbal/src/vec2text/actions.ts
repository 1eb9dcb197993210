// Which actions of gimbal vec2text read an option: --help says it before the description, and the others refuse the option.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import type { OptionTable } from '../options/kind.ts';
import type { Given } from '../options/resolve.ts';

/** `invert` learns an inverter, and is `use an inverter` where one is named. */
export type Action =
  | 'train'
  | 'encode'
  | 'decode'
  | 'evaluate'
  | 'explore'
  | 'invert'
  | 'use an inverter'
  | 'interpolate'
  | 'perturb'
  | 'nearest'
  | 'arithmetic'
  | 'optimise';

/** What an option is in the help of one action, by the action as it is typed. */
type Alone = Partial<Record<Action, string>>;

const readers = z.registry<{ actions: readonly Action[]; what: string; alone: Alone }>();

/** As they are typed. */
const typed = (actions: readonly Action[]): string[] => [
  ...new Set(actions.map((action) => (action === 'use an inverter' ? 'invert' : action))),
];

/**
 * An option of some actions.
 * @param what its description, which their names come before
 * @param when said behind the names: in what case
 * @param alone what it is in the help of single actions, where the description is of all
 */
export function of<T extends z.ZodType>(
  actions: readonly Action[],
  schema: T,
  what: string,
  when = '',
  alone: Alone = {},
): T {
  const described = schema.describe(`${typed(actions).join(', ')}${when && ` ${when}`}: ${what}`);
  readers.add(described, { actions, what: when === '' ? what : `${when}: ${what}`, alone });
  return described;
}

/** The options of an action as it is typed, described without its name. */
export const optionsOfAction = (action: string, table: OptionTable): OptionTable =>
  z.object(
    Object.fromEntries(
      Object.entries(table.shape).flatMap(([name, schema]) => {
        const read = readers.get(schema as z.ZodType);
        if (read === undefined || !typed(read.actions).includes(action)) return [];
        const { [action as Action]: what = read.what } = read.alone;
        return [[name, (schema as z.ZodType).describe(what)]];
      }),
    ),
  );

/**
 * @param action what is done
 * @throws ConfigError for an option that it does not read, naming the actions that do
 */
export function refuseOfOthers(action: Action, table: OptionTable, given: ReadonlyMap<string, Given>): void {
  for (const [name, { where }] of given) {
    const schema = table.shape[name];
    const actions = schema === undefined ? undefined : readers.get(schema as z.ZodType)?.actions;
    if (actions === undefined || actions.includes(action)) continue;
    const [here] = typed([action]);
    const others = typed(actions).filter((one) => one !== here);
    const ofTraining = actions.every((one) => one === 'train' || one === 'invert');
    let what = `it is an option of ${others.join(', ')}`;
    if (others.length === 0)
      what = action === 'invert' ? 'it is for an inverter that is named' : 'it is for training one';
    if (ofTraining && action !== 'train' && action !== 'invert') what += ': a model has what it was trained with';
    throw new ConfigError({
      where: where.startsWith('--') ? `gimbal vec2text ${here} ${where}` : `${where} (${name})`,
      what,
      fix: 'Leave it out',
    });
  }
}
