// What a run was trained with: a line for the console, a folded table and a command for its page.
import type { OffPolicyOptions, OnPolicyOptions } from '@gimbal/fma-pg';
import { counted } from '../cli/format.ts';
import { globalOptions, presentational } from '../cli/globals.ts';
import { type OptionTable, optionInfos } from '../options/kind.ts';
import type { CommandsPart, OptionsPart, ReportSection } from '../report/part.ts';
import { textOf } from '../report/text-of.ts';
import { againCommand, flagsOf, shellWord } from '../run/again.ts';
import { optionsOfAction } from './actions.ts';

/** Settings by name: JSON. */
type Told = { readonly [name: string]: unknown };

/** The settings that matter, in a line: `8 copies, rollouts of 32 steps, learning rate 0.001 → 0, γ 0.98`. */
export function toldOf(settings: Told): string {
  const s = settings as Partial<OnPolicyOptions & OffPolicyOptions>;
  const rollout =
    s.rollout !== undefined &&
    `rollouts of ${counted(s.rollout, 'step')}${s.epochs === undefined ? '' : `, ${counted(s.epochs, 'pass', 'passes')} of ${counted(s.minibatches ?? 1, 'minibatch', 'minibatches')}${s.epochs === 1 ? '' : ' each'}`}`;
  const rate = s.learningRate ?? s.critic?.learningRate;
  return [
    counted(s.numEnvs ?? 1, 'copy', 'copies'),
    rollout,
    s.batchSize !== undefined && `batches of ${s.batchSize} after ${counted(s.learningStarts ?? 0, 'step')}`,
    s.trustRegion !== undefined && `trust region ${s.trustRegion.delta}`,
    rate !== undefined && `${s.learningRate === undefined ? 'critic’s ' : ''}learning rate ${textOf(rate)}`,
    `γ ${s.gamma}`,
    s.surrogate !== undefined && surrogateText(settings.surrogate as { name: string }),
  ]
    .filter((part) => part !== false)
    .join(', ');
}

/** `smdpo (eta 1, klEstimator analytic, negativeWeight clamp)` */
function surrogateText({ name, ...options }: { name: string }): string {
  const text = textOf(options);
  return text === '' ? name : `${name} (${text})`;
}

/** What a run's page says of how it was made. */
export interface Making {
  /** of the command */
  table: OptionTable;
  /** of the run, all of them */
  options: Told;
  /** of the algorithm, on this environment */
  settings: Told;
  /** title of those */
  of: string;
  /** found out while running, as the backend */
  resolved: Told;
}

const infosOf = (table: OptionTable) => [
  ...optionInfos(optionsOfAction('train', table)),
  ...optionInfos(globalOptions),
];

/** The command line that makes a run again, nothing left to be found out. */
export const againOf = ({ table, options, resolved }: Omit<Making, 'settings' | 'of'>): string =>
  againCommand('control train', infosOf(table), options, resolved, presentational);

/**
 * The section of the page.
 * @param run its folder, the command that it began with, and the steps it has now: more than in that where it was trained on
 */
export function makingSection(
  making: Making,
  run: { path: string; began: string; steps: number },
): Pick<ReportSection, 'title' | 'parts'> {
  const { table, options, settings, of, resolved } = making;
  const infos = infosOf(table);
  const given = infos.filter((info) => flagsOf([info], options, {}, presentational).length > 0);
  const others = infos.filter(({ name }) => name in resolved && !given.some((info) => info.name === name));
  const rows = (values: Told) => Object.entries(values).map(([name, value]): [string, string] => [name, textOf(value)]);
  const pick = (from: readonly { name: string; flag: string }[], values: Told) =>
    from.map(({ name, flag }): [string, string] => [`--${flag}`, textOf(values[name])]);
  const settingsPart: OptionsPart = {
    kind: 'options',
    title: 'Settings',
    groups: [
      { name: 'given', values: pick(given, options) },
      { name: of, values: rows(settings) },
      { name: 'not given, of the run', values: pick(others, resolved) },
    ].filter((group) => group.values.length > 0),
  };
  // other threads or another backend on the way make no other run
  const begunWith = / --steps (\d+)/.exec(run.began)?.[1];
  const trainedOn = begunWith !== undefined && Number(begunWith) !== run.steps;
  const command: CommandsPart = {
    kind: 'commands',
    title: 'Commands',
    items: trainedOn
      ? [
          { text: 'It began as:', command: run.began },
          {
            text: 'then continued with:',
            command: `npx gimbal control train --resume --out ${shellWord(run.path)} --steps ${run.steps}`,
          },
        ]
      : [{ text: 'Train it again:', command: run.began }],
  };
  return { title: 'How it was made', parts: [command, settingsPart] };
}
