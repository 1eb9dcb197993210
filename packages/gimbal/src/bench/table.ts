// The table of a benchmark, for a terminal and for the documentation.
import { bytes, counted, textTable } from '../cli/format.ts';
import type { Machine } from '../run/machine.ts';
import { busyShare } from './busy.ts';
import type { BenchRow } from './suite.ts';

/** What --json prints. */
export interface BenchReport {
  machine: Machine & { backend: string; threads: number; isa?: string };
  versions: { [name: string]: string };
  rows: readonly BenchRow[];
}

const head = ['', 'unit', 'ours', 'peer', 'ratio', 'goal', 'host'] as const;

const isBusy = ({ others }: BenchRow): boolean => typeof others === 'number' && others > busyShare;

/** `✓` where the goal is met, `✗` where not; neither where other processes took part of the machine. */
export function cells(row: BenchRow): string[] {
  const met = row.goal === null || row.ratio === null ? '' : row.ratio >= row.goal ? ' ✓' : ' ✗';
  const busy = ` busy machine (others ${Math.round(100 * (row.others ?? 0))} %): not a verdict`;
  const verdict = isBusy(row) && row.ratio !== null ? busy : met;
  return [
    row.name,
    row.unit,
    number(row.ours),
    row.peer === null ? '–' : number(row.peer),
    row.ratio === null ? '–' : `${row.ratio.toFixed(2)}${verdict}`,
    row.goal === null ? '' : `≥ ${Number(row.goal.toFixed(2))}`,
    String(row.hostKernels),
  ];
}

/** What of other processes' work was looked at. */
export const loadNote = (rows: readonly BenchRow[]): string =>
  rows.some(({ others }) => typeof others === 'number')
    ? `Where other processes used more than ${100 * busyShare} % of the processors’ time meanwhile, a row is no verdict.`
    : 'This system does not say what other processes used of the processors’ time: a verdict holds for an idle machine.';

/** The rows that miss their goal, or that needed a host kernel; a busy machine gives no verdict on speed. */
export const missed = (rows: readonly BenchRow[]): BenchRow[] =>
  rows.filter(
    (row) => (!isBusy(row) && row.goal !== null && row.ratio !== null && row.ratio < row.goal) || missesNative(row),
  );

/** A loop that a goal is set for runs no kernel on the host. */
const missesNative = (row: BenchRow): boolean => row.goal !== null && row.hostKernels > 0;

export const terminalTable = (rows: readonly BenchRow[]): string[] => textTable(head, rows.map(cells));

/** A page of the documentation. */
export function markdown(report: BenchReport, commandLine: string, commit: string | undefined): string {
  const { machine, versions, rows } = report;
  const isa = machine.isa === undefined ? '' : ` (${machine.isa})`;
  const line = (values: readonly string[]): string => `| ${values.join(' | ')} |`;
  return [
    '# Benchmarks',
    '',
    'Ratios above 1 mean that Gimbal is better, in memory too. Both sides run in turn in one session, on the same threads',
    'and in the same precision; each number is the median of its rounds. `host` counts kernels that fell back to',
    'JavaScript while ours was measured.',
    loadNote(rows),
    '',
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${bytes(machine.memoryBytes)} of memory, ${machine.platform}`,
    `- Backend: ${machine.backend}${isa}, ${counted(machine.threads, 'thread')}`,
    `- Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    ...(commit === undefined ? [] : [`- Commit: ${commit}`]),
    '',
    'Made by:',
    '',
    '```sh',
    commandLine,
    '```',
    '',
    line(['workload', ...head.slice(1)]),
    line(['---', '---', '--:', '--:', '--:', '--:', '--:']),
    ...rows.map((row) => line(cells(row))),
    '',
  ].join('\n');
}

/** Three or four significant digits. */
function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1000) return value.toFixed(0);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size === 0 || size >= 0.01 ? value.toPrecision(3) : value.toExponential(1);
}
