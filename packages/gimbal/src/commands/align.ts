// gimbal align: the main job. Every stage there is, in the order of their needs, from rows to a model folder and a
// report.
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { StoppedError } from '@gimbal/tensor-core';
import { type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { duration } from '../cli/format.ts';
import { presentational } from '../cli/globals.ts';
import { loadStages, optionsOf } from '../pipeline/graph.ts';
import { runStages, type StageRecord, summarize } from '../pipeline/run-stages.ts';
import { commitOf } from '../run/commit.ts';
import { type Compute, startCompute } from '../run/compute.ts';
import { machine, versions } from '../run/machine.ts';
import { cacheFolder, openRun, type RunFolder } from '../run/run-folder.ts';

type Context = CommandContext<{ [name: string]: unknown }>;

export const command = defineCommand({
  summary: 'Train a language model from rows to a report: tokenizer, pretraining, fine-tuning, evaluation, samples.',
  options: async (root) => optionsOf(await loadStages(root)),
  examples: [
    'gimbal align                                          on a generated newsroom, in a few minutes',
    'gimbal align --data my.jsonl --columns prompt=question,completion=answer',
    'gimbal align --data book.txt --minutes 30',
    'gimbal align --model runs/align-1/model --data my.jsonl   fine-tune a model you have',
    'gimbal align --resume                                 go on with the run that was stopped',
  ],
  async run(context) {
    const began = performance.now();
    const run = await openRun({ command: 'align', options: context.options, given: context.given });
    const options = optionsOfRun(context, run);
    const compute = await startCompute(options);
    const environment = { seed: options.seed, backend: compute.name, threads: compute.threads };
    await saveResolved(run, compute);
    introduce(context, run, compute);

    const stages = await loadStages(context.root);
    let records: StageRecord[];
    try {
      records = await runStages({
        stages,
        options,
        environment,
        runDir: run.path,
        cacheDir: cacheFolder(),
        output: context.output,
        signal: context.signal,
      });
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_STOPPED') throw resumable(error as Error, run);
      await run.abandonIfEmpty();
      throw error;
    }
    const report = await writeReport(context, run, records, environment, options);
    await compute.trace(context.output);
    return conclude(context, run, records, report, (performance.now() - began) / 1000);
  },
});

/** The options to run with: a resumed run keeps its own, and goes on with the backend it was started on. */
function optionsOfRun({ options }: Context, run: RunFolder): Context['options'] {
  if (!options.resume) return options;
  const kept = Object.entries(run.config.options).filter(([name]) => !presentational.has(name));
  return { ...options, ...Object.fromEntries(kept), ...run.config.resolved };
}

async function saveResolved(run: RunFolder, compute: Compute): Promise<void> {
  const resolved = { backend: compute.name, threads: compute.threads };
  await run.saveConfig({ ...run.config, resolved });
}

function introduce({ output }: Context, run: RunFolder, compute: Compute): void {
  const { noteColors: c } = output;
  const detail = [compute.isa, `${compute.threads} ${compute.threads === 1 ? 'thread' : 'threads'}`];
  output.note(`${c.bold('gimbal align')}  ${run.path}  on ${compute.name} (${detail.filter(Boolean).join(', ')})`);
  const reason = compute.passedOver.find((p) => p.name === 'native');
  if (reason) output.note(c.yellow(`native is not in use: ${reason.reason}; this machine gets a smaller job`));
}

function resumable(error: Error, run: RunFolder): StoppedError {
  return new StoppedError({
    where: 'gimbal align',
    what: error.message,
    fix: `Everything up to here is kept. Go on with: ${resumeCommand(run.path)}`,
    cause: error,
  });
}

const resumeCommand = (path: string): string =>
  `npx gimbal align --out ${/^[\w./-]+$/.test(path) ? path : `'${path}'`} --resume`;

async function writeReport(
  { output }: Context,
  run: RunFolder,
  records: readonly StageRecord[],
  environment: { seed: number; backend: string; threads: number },
  options: Context['options'],
): Promise<string> {
  const { assembleReport } = await import('../report/assemble.ts');
  const { renderReport } = await import('../report/render.ts');
  const { nextSteps } = await import('../report/next-steps.ts');
  const report = await assembleReport({
    command: 'align',
    records,
    options,
    environment,
    runDir: run.path,
    machine: machine(),
    versions: versions(),
    commit: commitOf(),
    started: run.config.started,
    next: nextSteps(run.path, records),
  });
  const path = join(run.path, 'report.html');
  await writeFile(path, renderReport(report));
  output.note('');
  output.note(output.noteColors.bold(report.title));
  for (const sentence of report.lead.split(/(?<=\.) /)) output.note(sentence);
  return path;
}

function conclude(
  { output }: Context,
  run: RunFolder,
  records: readonly StageRecord[],
  report: string,
  seconds: number,
): CommandResult {
  const model = join(run.path, 'model');
  if (!output.json) {
    const c = output.colors;
    output.line();
    output.line(`${c.bold('report')}  ${relative('.', report)}`);
    output.line(`${c.bold('model')}   ${relative('.', model)}`);
    output.line(c.dim(`${summarize(records)}; ${duration(seconds)} in all`));
  }
  const stages = Object.fromEntries(
    records.map((r) => [r.stage.name, { cached: r.cached, seconds: r.seconds, value: r.result.value }]),
  );
  return { json: { run: run.path, report, model, seconds, stages } };
}
