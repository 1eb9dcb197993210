// gimbal align: the main job. Every stage there is, in the order of their needs, from rows to a model folder and a
// report.
import { join, relative } from 'node:path';
import { StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { duration } from '../cli/format.ts';
import { globalOptions, presentational } from '../cli/globals.ts';
import { optionInfos } from '../options/kind.ts';
import { loadStages, optionsFor, optionsOf } from '../pipeline/graph.ts';
import { codeVersion } from '../pipeline/hash.ts';
import { runStages, type StageRecord, summarize } from '../pipeline/run-stages.ts';
import type { Stage } from '../pipeline/stage.ts';
import { againCommand, shellWord } from '../run/again.ts';
import { commitOf } from '../run/commit.ts';
import { type Compute, startCompute } from '../run/compute.ts';
import { refuseSeq2Seq } from '../run/decoder-only.ts';
import { hubOptions } from '../run/hub.ts';
import { machine, versions } from '../run/machine.ts';
import { modelPath } from '../run/model-path.ts';
import { cacheFolderFor, openRun, optionsOfRun, type RunFolder } from '../run/run-folder.ts';

type Context = CommandContext<{ [name: string]: unknown }>;

export const command = defineCommand({
  summary:
    'Train a language model from rows to a report: tokenizer, pretraining, fine-tuning, reinforcement learning, evaluation, samples.',
  resumes: true,
  options: async (root) => optionsOf(await loadStages(root)),
  examples: [
    'gimbal align                                          on a generated newsroom, in a few minutes',
    'gimbal align --data my.jsonl --columns prompt=question,completion=answer',
    'gimbal align --data book.txt --minutes 30',
    'gimbal align --model runs/align-1/model --data my.jsonl   fine-tune a model you have',
    'gimbal align --model HuggingFaceTB/SmolLM2-135M --data my.jsonl',
    'gimbal align --preferences pairs.jsonl                your pairs: reward models, their average, learning from both',
    'gimbal align --reward world:newsroom                  then reinforcement learning from a reward',
    'gimbal align --resume                                 go on with the run that was stopped',
  ],
  async run(given) {
    const began = performance.now();
    const stages = await loadStages(given.root);
    for (const stage of stages) await stage.check?.(optionsFor(stage, given.options), given.options);
    const context = await withModelHere(given);
    const run = await openRun({ command: 'align', options: context.options, given: context.given });
    try {
      return await align(context, run, stages, began);
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_STOPPED') throw resumable(error as Error, run);
      const isGone = await run.abandonIfEmpty();
      if (!isGone && isOfDisk(error)) {
        context.output.note(`What was finished is kept. Once there is room, go on with: ${resumeCommand(run.path)}`);
      }
      throw error;
    } finally {
      await run.release();
    }
  },
});

/** A model that is named as on the hub is downloaded first, that of a run is found: the stages know it by the content of its folder. */
async function withModelHere(context: Context): Promise<Context> {
  const { model } = context.options;
  if (typeof model !== 'string') return context;
  const path = await modelPath(model, 'gimbal align --model', hubOptions(context.output, context.signal));
  await refuseSeq2Seq('gimbal align --model', path);
  return { ...context, options: { ...context.options, model: path } };
}

async function align(
  context: Context,
  run: RunFolder,
  stages: readonly Stage[],
  began: number,
): Promise<CommandResult> {
  const { output, signal } = context;
  const options = optionsOfRun(context.options, run);
  const compute = await startCompute(options);
  const environment = { seed: options.seed, backend: compute.name, threads: compute.threads };
  const earlier = run.config.code ?? [];
  const code = await codeVersion();
  const resolved = { backend: compute.name, threads: compute.threads };
  await run.update({ resolved, code: [...earlier.filter((other) => other !== code), code] });
  introduce(context, run, compute);
  const infos = optionInfos(z.object({ ...optionsOf(stages).shape, ...globalOptions.shape }));
  const records = await runStages({
    stages,
    options,
    environment,
    runDir: run.path,
    cacheDir: await cacheFolderFor(run.path),
    output,
    signal,
    ...(options.resume ? { kept: { code: [...earlier].reverse(), choices: run.config.choices ?? {} } } : {}),
    async onChoice(stage, choice) {
      const settled = { ...resolved, seed: options.seed, ...stage.chooses?.(choice.value, options) };
      const again = againCommand('align', infos, options, settled, presentational);
      await run.update({ choices: { ...run.config.choices, [stage.name]: choice }, again });
    },
  });
  const report = await writeReport(context, run, records, environment, options);
  await compute.trace(output);
  return conclude(context, run, records, report, (performance.now() - began) / 1000);
}

/** A full or failing disk, also underneath an error of ours: the same run can go on later. */
function isOfDisk(error: unknown): boolean {
  const codes = [error, (error as Error).cause].map((e) => (e as NodeJS.ErrnoException | undefined)?.code);
  return codes.some((code) => code !== undefined && ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'].includes(code));
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

const resumeCommand = (path: string): string => `npx gimbal align --out ${shellWord(path)} --resume`;

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
    next: nextSteps(run, records, options),
  });
  const path = join(run.path, 'report.html');
  await writeFileAtomic(path, renderReport(report));
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
    if (run.config.again !== undefined) output.line(`${c.bold('again')}   ${run.config.again}`);
    output.line(c.dim(`${summarize(records)}; ${duration(seconds)} in all`));
  }
  const stages = Object.fromEntries(
    records
      .filter((r) => !r.isOff)
      .map((r) => [r.stage.name, { cached: r.cached, seconds: r.seconds, value: r.result.value }]),
  );
  return { json: { run: run.path, report, model, again: run.config.again ?? null, seconds, stages } };
}
