// From the stages of a run to its report: their sections in the order of the slots, then what the run was made with.
import { bytes, duration } from '../cli/format.ts';
import { optionsFor } from '../pipeline/graph.ts';
import { inputOf, type StageRecord } from '../pipeline/run-stages.ts';
import type { Environment } from '../pipeline/stage.ts';
import type { Machine } from '../run/machine.ts';
import { type CommandsPart, type OptionsPart, type ReportPart, type ReportSection, slots } from './part.ts';
import type { Report } from './render.ts';

export interface AssembleRequest {
  command: string;
  records: readonly StageRecord[];
  options: { [name: string]: unknown };
  environment: Environment;
  runDir: string;
  machine: Machine;
  versions: { [name: string]: string };
  commit: string | undefined;
  /** when the run was started, ISO 8601 */
  started: string;
  /** what the reader can do next */
  next: CommandsPart;
}

export async function assembleReport(request: AssembleRequest): Promise<Report> {
  const { command, records, started, commit, versions } = request;
  const found: ReportSection[] = [];
  for (const record of records) {
    const { stage, result, metrics } = record;
    if (record.isOff) continue;
    const sections = await stage.report?.(result.value, {
      options: optionsFor(stage, request.options),
      environment: request.environment,
      input: inputOf(stage, records),
      dir: result.dir,
      runDir: request.runDir,
      metrics,
    });
    found.push(...(sections ?? []));
  }
  const lead = found.filter((s) => s.slot === 'lead').at(-1);
  return {
    eyebrow: `gimbal ${command}`,
    title: lead?.title ?? `A run of gimbal ${command}`,
    lead: lead?.text ?? '',
    figures: lead?.parts ?? [],
    sections: [
      ...merged(found.filter((s) => s.slot !== 'lead')),
      { title: 'What to do next', parts: [request.next] },
      { title: 'How it was made', parts: [stageTable(request), optionsPart(request)] },
    ],
    footer: `gimbal ${versions.gimbal ?? ''}${commit === undefined ? '' : ` at ${commit}`}, ${started.slice(0, 16).replace('T', ' ')} UTC`,
  };
}

/** In the order of the slots; sections of one slot and title are one, with the parts of all. */
function merged(sections: readonly ReportSection[]): ReportSection[] {
  const out: ReportSection[] = [];
  for (const slot of slots) {
    for (const section of sections.filter((s) => s.slot === slot)) {
      const at = out.findIndex((s) => s.slot === slot && s.title === section.title);
      if (at < 0) out.push(section);
      else out[at] = { ...(out[at] as ReportSection), parts: [...(out[at] as ReportSection).parts, ...section.parts] };
    }
  }
  return out;
}

function stageTable({ records, options }: AssembleRequest): ReportPart {
  return {
    kind: 'table',
    title: 'Stages',
    caption: 'Each is computed once for the same inputs, and taken from runs/.cache/ after that.',
    head: ['stage', 'result', 'time'],
    rows: records
      .filter((r) => !r.isOff)
      .map(({ stage, result, seconds, cached }) => [
        stage.name,
        stage.describe(result.value, options),
        cached ? 'cached' : duration(seconds),
      ]),
  };
}

function optionsPart({ records, options, environment, machine, versions }: AssembleRequest): OptionsPart {
  const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'not given'));
  const groups = records.map(({ stage }) => ({
    name: stage.name,
    values: Object.entries(optionsFor(stage, options)).map(([name, value]): [string, string] => [name, text(value)]),
  }));
  return {
    kind: 'options',
    title: 'Options, machine and versions',
    groups: [
      ...groups.filter((group) => group.values.length > 0),
      {
        name: 'machine',
        values: [
          ['processor', `${machine.cpu}, ${machine.cores} cores`],
          ['memory', bytes(machine.memoryBytes)],
          ['system', machine.platform],
          ['backend', `${environment.backend}, ${environment.threads} threads`],
          ['seed', String(environment.seed)],
        ],
      },
      { name: 'versions', values: Object.entries(versions) },
    ],
  };
}
