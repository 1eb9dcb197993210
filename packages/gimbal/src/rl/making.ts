// What a run of reinforcement learning was made with: the command that makes it again, and its settings, on its page.
import type { TokenPolicyTrainer } from '@gimbal/fma-pg';
import { globalOptions, presentational } from '../cli/globals.ts';
import { type OptionTable, optionInfos } from '../options/kind.ts';
import type { CommandsPart, OptionsPart, ReportSection } from '../report/part.ts';
import { textOf } from '../report/text-of.ts';
import { againCommand, flagsOf } from '../run/again.ts';

/** What is told of. */
export interface Making {
  /** `rl` */
  command: string;
  /** of the command */
  table: OptionTable;
  /** of the run, all of them */
  options: { readonly [name: string]: unknown };
  /** found out while running: backend, threads, learning rate, room for completions */
  resolved: { readonly [name: string]: unknown };
  preset: string;
  /** as the trainer has them, the preset's with what was given */
  settings: TokenPolicyTrainer['options'];
}

/** The section of the page. */
export function makingSection(m: Making): Pick<ReportSection, 'title' | 'parts'> {
  const infos = [...optionInfos(m.table), ...optionInfos(globalOptions)];
  const given = infos.filter((info) => flagsOf([info], m.options, {}, presentational).length > 0);
  const found = infos.filter(({ name }) => name in m.resolved && !given.some((info) => info.name === name));
  const pick = (from: typeof infos, values: Making['options']) =>
    from.map(({ name, flag }): [string, string] => [`--${flag}`, textOf(values[name])]);
  const { surrogate, ...s } = m.settings;
  const settings = {
    surrogate: [surrogate.surrogate, textOf(surrogate.options)].filter((text) => text !== '').join(', '),
    ...{ baseline: s.baseline, credit: s.credit, normalizeAdvantage: s.normalizeAdvantage, value: s.value },
    ...{ klCoef: s.klCoef, klMixing: s.klMixing, klIn: s.klIn, anchor: s.anchor },
    ...{ samplesPerPrompt: s.samplesPerPrompt, epochs: s.epochs, optimizer: s.optimizer, maxGradNorm: s.maxGradNorm },
  };
  const table: OptionsPart = {
    kind: 'options',
    title: 'Settings',
    groups: [
      { name: 'given', values: pick(given, m.options) },
      {
        name: `of the preset ${m.preset}, as it ran`,
        values: Object.entries(settings).flatMap(([name, value]): [string, string][] =>
          value === undefined ? [] : [[name, textOf(value)]],
        ),
      },
      { name: 'not given, of the run', values: pick(found, m.resolved) },
    ].filter((group) => group.values.length > 0),
  };
  const command: CommandsPart = {
    kind: 'commands',
    title: 'Commands',
    items: [
      { text: 'Train it again:', command: againCommand(m.command, infos, m.options, m.resolved, presentational) },
    ],
  };
  return { title: 'How it was made', parts: [command, table] };
}
