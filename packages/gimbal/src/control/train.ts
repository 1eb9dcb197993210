// gimbal control train and eval: agents on environments.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type GimbalError, readMetrics, writeFileAtomic } from '@gimbal/tensor-core';
import type { z } from 'zod';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { counted, duration, figure } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import type { OptionTable } from '../options/kind.ts';
import { startCompute } from '../run/compute.ts';
import { alreadyDone, checkpointIn, stoppedRun } from '../run/going-on.ts';
import { orNamedRun } from '../run/named-run.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { TrainingTime } from '../run/training-time.ts';
import type { Agent } from './agent.ts';
import type { AgentFlags } from './agent-flags.ts';
import { cutEpisodes, cutInTraining } from './cut-episodes.ts';
import { learntNothing } from './learnt-nothing.ts';
import { settingsInUse } from './run-settings.ts';
import { isTable, refuseTabularFlags } from './tabular-flags.ts';
import { againOf, type Making, makingSection, toldOf } from './told.ts';
import type { trainingOptions } from './training-options.ts';

type Context = CommandContext<
  z.output<z.ZodObject<typeof trainingOptions>> & {
    env?: string | undefined;
    envOptions?: { [name: string]: string } | undefined;
    steps?: number | undefined;
  }
>;

/** Steps where no number is given; of tables there is nothing to go on with. */
const defaultSteps = 100_000;
const longer = {
  steps: defaultSteps,
  told: 'A learning rate or clip that changes over the run is spread over all of these steps: it goes back to what it is at this point of the longer run',
};

const mayDiffer = {
  threads:
    'Other threads add up in another order: numbers differ in their last digits from those of a run that went on',
};

/** @throws ConfigError for the run of a table */
function refuseSaved({ env }: { readonly env?: unknown }): void {
  if (typeof env !== 'string' || !isTable(env)) return;
  const fix = 'Start it again with another --out: it takes seconds';
  throw new ConfigError({ where: 'gimbal control train --resume', what: 'a table is not gone on with', got: env, fix });
}

/** gimbal control train. @param table the options of the command */
export async function train(context: Context, table: OptionTable): Promise<CommandResult> {
  if (context.options.env === undefined && !context.options.resume)
    throw new ConfigError({
      where: 'gimbal control train --env',
      what: 'which environment?',
      fix: 'For example --env CartPole-v1',
    });
  const note = (text: string): void => context.output.note(text);
  const ownOf = async (path: string, name: string): Promise<unknown> =>
    (await import('./agent.ts')).savedOption(path, name);
  const request = {
    command: 'control',
    options: context.options,
    given: context.given,
    note,
    longer,
    ownOf,
    mayDiffer,
    refuseSaved,
  };
  return withRun(request, (run) => learn(context, run, table));
}

async function learn(context: Context, run: RunFolder, table: OptionTable): Promise<CommandResult> {
  const { output, signal } = context;
  const kept = optionsOfRun(context.options, run);
  const o = context.given.has('threads') ? { ...kept, threads: context.options.threads } : kept;
  if (isTable(o.env as string)) {
    const { trainTable } = await import('./tabular.ts');
    return trainTable({ ...o, env: o.env as string }, run, output, signal, table);
  }
  refuseTabularFlags(o);
  const compute = await startCompute(o);
  const { createAgent, loadAgent } = await import('./agent.ts');
  const { evaluate } = await import('@gimbal/fma-pg');
  const env = o.env as string;
  const steps = o.steps ?? defaultSteps;
  const progress = new Progress(output, `${o.algo} ${env}`);
  const warn = (text: string): void => output.note(text);
  // the agent keeps its log and checkpoints beside what says that this is a run
  const begun = await checkpointIn(run.path, (text) => output.note(text), ['config.json', '.lock']);
  using agent = await (begun !== undefined
    ? loadAgent(run.path, { env, envOptions: o.envOptions }, 'latest', { out: run.path, flags: o, warn })
    : createAgent({ ...o, env } as AgentFlags, run.path, warn));
  refuseFew(agent, steps);
  const settings = join(run.path, 'settings.json');
  const making: Making = {
    ...{ table, options: o, of: `${o.algo} on ${env}`, settings: settingsInUse(agent, o.algo) },
    resolved: { steps, seed: o.seed, episodes: o.episodes, backend: compute.name, threads: compute.threads },
  };
  await writeFileAtomic(settings, `${JSON.stringify(making.settings, null, 2)}\n`);
  output.note(`${o.algo} on ${env}: ${counted(steps, 'step')}, seed ${o.seed}, ${toldOf(making.settings)}`);
  const began = run.config.again ?? againOf(making);
  await run.update({ again: began });
  if (agent.step >= steps) output.note(alreadyDone(agent.step, 'step'));
  else output.note(`settings, defaults included: ${settings}`);
  const time = new TrainingTime(run);
  const training = async (): Promise<void> => {
    let text = '';
    let isTold = false;
    for await (const m of agent.train({ steps, signal })) {
      const { evalCut = 0 } = m;
      if (evalCut > 0 && !isTold) output.note(await cutInTraining({ env, envOptions: o.envOptions }, evalCut));
      isTold ||= evalCut > 0;
      // of the last 100 episodes: the one or two that just ended say little
      if (Number.isFinite(m.recentReturn)) text = `return ${figure(m.recentReturn)}`;
      progress.update({ step: m.step, total: steps, text });
    }
  };
  await time.of(training()).catch(async (error: GimbalError) => {
    if (error.code === 'ERR_CONFIG' && begun === undefined && agent.step === 0) await clearRefused(run.path);
    throw error;
  });
  if (signal.aborted) {
    throw stoppedRun('control train', run.path, `stopped after step ${agent.step} of ${steps}`);
  }
  const result = await evaluate(agent, { episodes: o.episodes, seed: o.seed });
  progress.done(
    `return ${figure(result.mean)} [${figure(result.ci95[0])}, ${figure(result.ci95[1])}] over ${counted(o.episodes, 'episode')}`,
  );
  const cut = await cutEpisodes({ env, envOptions: o.envOptions }, result);
  if (cut !== undefined) output.note(cut);
  const idle = learntNothing(result, await readMetrics(run.path), o.algo);
  if (idle !== undefined) output.note(idle);
  const { controlReport } = await import('./report.ts');
  const report = join(run.path, 'report.html');
  await writeFileAtomic(
    report,
    await controlReport({
      ...{ env, algo: o.algo, run: run.path, result, seconds: time.seconds, backend: compute.name, idle },
      making: makingSection(making, { path: run.path, began, steps }),
    }),
  );
  if (!output.json) output.line(`report  ${report}`);
  await compute.trace(output);
  return { json: { run: run.path, report, settings, step: agent.step, seconds: time.seconds, ...result } };
}

/** A run that was refused before its first step leaves nothing that would be in the way of the corrected command. */
async function clearRefused(path: string): Promise<void> {
  for (const name of await readdir(path))
    if (name !== 'config.json' && name !== '.lock') await rm(join(path, name), { recursive: true, force: true });
}

/** @throws ConfigError for too few steps to learn in, before anything is written */
function refuseFew(agent: Agent, steps: number): void {
  try {
    agent.checkSteps(steps);
  } catch (cause) {
    const { what, got, wanted, fix = 'Give more steps' } = cause as GimbalError;
    throw new ConfigError({ where: 'gimbal control train --steps', what, got, wanted, fix, cause });
  }
}

/** gimbal control eval runs/x */
export async function evaluateRun(context: Context): Promise<CommandResult> {
  const { options: o, output } = context;
  const [, given] = context.arguments;
  if (given === undefined)
    throw new ConfigError({
      where: 'gimbal control eval',
      what: 'which run?',
      fix: 'For example gimbal control eval runs/control-1',
    });
  const folder = orNamedRun(given);
  const compute = await startCompute(o);
  const { environmentOfRun, loadAgent } = await import('./agent.ts');
  const made = await environmentOfRun(folder, 'gimbal control eval', o);
  const { env } = made;
  const { evaluate } = await import('@gimbal/fma-pg');
  using agent = await loadAgent(folder, made, o.which);
  const began = performance.now();
  const result = await evaluate(agent, {
    episodes: o.episodes,
    deterministic: !o.stochastic,
    ...(o.maxSteps !== undefined && { maxSteps: o.maxSteps }),
    seed: o.seed,
  });
  const cut = await cutEpisodes(made, result, o.maxSteps);
  if (cut !== undefined) output.note(cut);
  if (!output.json) {
    output.line(
      `return ${figure(result.mean)} [${figure(result.ci95[0])}, ${figure(result.ci95[1])}], interquartile mean ${figure(result.iqm)}`,
    );
    output.line(
      `${counted(o.episodes, 'episode')} of ${env} in ${duration((performance.now() - began) / 1000)}, after ${counted(agent.step, 'step')} of training`,
    );
  }
  await compute.trace(output);
  return { json: { run: folder, env, step: agent.step, ...result } };
}
