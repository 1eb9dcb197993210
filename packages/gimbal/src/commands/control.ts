// gimbal control: train and evaluate agents, list environments, record what a body does, watch it.
import { readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { Recording, RecordPolicy } from '@gimbal/control-envs';
import { ConfigError, DataError, type Env, nearest, type Obs, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { actions, helpOfAction, isAction, refuseOfOthers, shownOfAction } from '../control/actions.ts';
import { envOf } from '../control/env-options.ts';
import { recordTo, refuseTarget } from '../control/record.ts';
import { isTable, listTables } from '../control/tabular-flags.ts';
import { evaluateRun, train } from '../control/train.ts';
import { trainingOptions } from '../control/training-options.ts';
import { type Compute, startCompute } from '../run/compute.ts';
import { orNamedRun } from '../run/named-run.ts';
import { refuseUnwritable } from '../run/out-file.ts';

const options = z.object({
  env: z.string().optional().describe('environment id; `gimbal control envs` lists them'),
  envOptions: z.record(z.string(), z.string()).optional().describe('options of the environment, for example legs=5'),
  ...trainingOptions,
  steps: z
    .int()
    .min(1)
    .optional()
    .describe(
      'train: environment steps in all (default 100000), with --resume a larger number trains on; of tables outer steps (default 200, of --inner closed-form on CliffWorld 2000), and a table is not gone on with; record: steps, episodes that end begin again (default 300)',
    ),
  policy: z
    .string()
    .default('random')
    .describe(
      'who acts: random, zero, the folder of a trained run or its name in runs/, or a recording whose actions are repeated',
    ),
  size: z.int().min(16).max(2048).default(256).describe('width and height of pictures, pixels'),
});
type Options = z.output<typeof options>;
type Context = CommandContext<Options>;

export const command = defineCommand({
  summary:
    'Train and evaluate agents, list environments, record what a body does, watch it. With an action, --help shows its options.',
  arguments: [
    { name: 'what', description: 'train, eval, envs, record or view', required: true },
    { name: 'file', description: 'view: the recording or trained run to show; record, eval: the run', required: false },
  ],
  options,
  optionsFor: (word) => (isAction(word) ? (shownOfAction(word, options) as typeof options) : undefined),
  helpFor: (word) => (isAction(word) ? helpOfAction(word) : undefined),
  resumes: true,
  examples: [
    'gimbal control train --env CartPole-v1 --algo ppo --steps 100000 --out runs/x',
    'gimbal control train --resume --out runs/x                     go on with the run that was stopped',
    'gimbal control train --env CliffWorld --algo smdpo --inner closed-form --steps 500     a table, solved exactly',
    'gimbal control eval runs/x --episodes 20',
    'gimbal control view runs/x                                     the trained agent, in a page',
    'gimbal control record runs/x --out x.gif',
    'gimbal control envs',
    'gimbal control record --env Ant-v5 --steps 200 --out ant.gif   also .json, .html, .apng, or a folder of .png',
    'gimbal control view --env AntChase-v0 --out chase.html         one file, plays anywhere',
    'gimbal control view ant.json --out ant.html',
  ],
  async run(context) {
    const [what = '', given] = context.arguments;
    if (!isAction(what)) {
      const near = nearest(what, actions);
      throw new ConfigError({
        where: 'gimbal control',
        what: 'no such action',
        got: what,
        wanted: actions.join(', '),
        ...(near !== undefined && { fix: `Did you mean ${near}?` }),
      });
    }
    refuseOfOthers(what, options, context.given);
    if (what === 'train') return train(context, options);
    if (context.options.resume) {
      const wanted = 'gimbal control train --resume';
      throw new ConfigError({
        where: `gimbal control ${what} --resume`,
        what: 'only training is gone on with',
        wanted,
      });
    }
    if (what === 'eval') return evaluateRun(context);
    if (what === 'envs') return listing(context);
    const file = given && orNamedRun(given);
    if (what === 'record') return record(context, file);
    return view(context, file);
  },
});

async function listing({ output }: Context): Promise<CommandResult> {
  const { listEnvs } = await import('@gimbal/control-envs');
  const bodies = listEnvs().map(({ id, summary, defaults }) => ({ id, summary, options: Object.keys(defaults) }));
  const envs = [...bodies, ...listTables()];
  const width = Math.max(...envs.map(({ id }) => id.length));
  if (!output.json) for (const { id, summary } of envs) output.line(`${id.padEnd(width)}  ${summary}`);
  return { json: { envs } };
}

async function record(context: Context, file: string | undefined): Promise<CommandResult> {
  if (file !== undefined && !(await isFolder(file))) {
    const fix = 'Give the folder of a trained run, such as runs/control-1, or --env';
    throw new ConfigError({ where: 'gimbal control record', what: 'no such run', got: file, fix });
  }
  const trained = await ofRun(context, file);
  const { options: o, output } = trained;
  const out = o.out ?? `${o.env ?? 'recording'}.json`;
  await refuseTarget(out);
  const { recording, file: written } = await runTo(out, trained);
  output.note(`${recording.frames} frames of ${recording.env} written to ${written}`);
  return { json: summaryOf(recording, written) };
}

async function view(context: Context, file: string | undefined): Promise<CommandResult> {
  const { options: o, output } = context;
  if ((file === undefined) === (o.env === undefined)) {
    const what = file === undefined ? 'nothing to show' : 'both a recording and --env';
    throw new ConfigError({ where: 'gimbal control view', what, wanted: 'a recording, or --env id' });
  }
  const out = o.out ?? `${file === undefined ? o.env : basename(file, extname(file))}.html`;
  await refuseUnwritable('control view', out);
  const trained = await ofRun(context, file);
  const isRun = file !== undefined && trained !== context;
  const recording =
    file === undefined || isRun ? (await runTo(out, trained, true)).recording : await readRecording(file);
  if (file !== undefined && !isRun) {
    const { viewerHtml } = await import('@gimbal/control-envs');
    await writeFileAtomic(out, await viewerHtml(recording));
  }
  output.note(`written to ${out}: open it in a browser`);
  return { json: summaryOf(recording, out) };
}

/** A folder of a trained run in place of --env and --policy. */
async function ofRun(context: Context, folder: string | undefined): Promise<Context> {
  if (folder === undefined || !(await isFolder(folder))) return context;
  const { environmentOfRun } = await import('../control/agent.ts');
  const made = await environmentOfRun(folder, 'gimbal control', context.options);
  return { ...context, options: { ...context.options, ...made, policy: folder } };
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/** Records what the options say, and writes it. */
async function runTo(out: string, { options: o, output, signal }: Context, page = false): ReturnType<typeof recordTo> {
  if (o.env === undefined) {
    throw new ConfigError({ where: 'gimbal control', what: 'no --env', fix: '`gimbal control envs` lists them' });
  }
  if (isTable(o.env)) {
    const fix = `Solve it: gimbal control train --env ${o.env}. Cliffs that can be watched: CliffWalking-v1`;
    throw new ConfigError({ where: 'gimbal control --env', what: 'a table has no episode to watch', got: o.env, fix });
  }
  const { steps = 300 } = o;
  if (steps > 100_000)
    throw new ConfigError({
      where: 'gimbal control --steps',
      what: 'out of range',
      got: steps,
      wanted: 'at most 100000 to record',
    });
  const env = await envOf(o.env, o.envOptions);
  try {
    const { policy, close, compute } = await policyFor(o, env);
    try {
      const recorded = await recordTo(
        out,
        { env, steps, seed: o.seed, policy },
        { output, signal, size: o.size, page },
      );
      await compute?.trace(output);
      return recorded;
    } finally {
      close();
    }
  } finally {
    env.close();
  }
}

/** Who acts: a word, a trained run, or a recording. */
async function policyFor(o: Context['options'], env: Env): Promise<Policy> {
  const close = (): void => {};
  if (o.policy === 'random' || o.policy === 'zero') return { policy: o.policy, close };
  const named = orNamedRun(o.policy);
  if (!(await isFolder(named))) return { policy: (await readRecording(named)).actions, close };
  const { loadAgent } = await import('../control/agent.ts');
  const { policyOf } = await import('@gimbal/fma-pg');
  const compute = await startCompute(o);
  const agent = await loadAgent(named, { env: o.env as string, envOptions: o.envOptions }, o.which);
  const { rng } = await import('@gimbal/tensor-core');
  const draws = o.stochastic ? rng(o.seed).split('actions') : undefined;
  const act = policyOf(agent, env, draws);
  return { policy: (obs, begins, info) => act(obs as Obs, begins, info), close: () => agent.dispose(), compute };
}

interface Policy {
  policy: RecordPolicy;
  close: () => void;
  /** where a trained agent acts */
  compute?: Compute;
}

async function readRecording(file: string): Promise<Recording> {
  const { parseRecording } = await import('@gimbal/control-envs');
  const text = await readFile(file, 'utf8').catch((cause) => {
    if (cause.code === 'ENOENT') {
      const fix = 'Check the path; it is taken from the working directory';
      throw new ConfigError({ where: 'gimbal control', what: 'no such file or folder', got: file, fix, cause });
    }
    throw new DataError({ where: 'gimbal control', what: 'the recording cannot be read', got: file, cause });
  });
  return parseRecording(text, file);
}

function summaryOf({ env, seed, frames, dt, rewards, episodes }: Recording, file: string): object {
  const sum = rewards.reduce((a, b) => a + b, 0);
  return { env, seed, frames, seconds: frames * dt, episodes: episodes.length, rewardSum: sum, file };
}
