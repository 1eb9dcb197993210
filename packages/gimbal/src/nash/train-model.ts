// gimbal nash-md --data: a model you have is trained to a policy that no other beats, by any preference.
import { join } from 'node:path';
import type { NashMdOptions, Objective, Opponent } from '@gimbal/nash-md';
import { ConfigError, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { counted, figure, percent } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { heldOutOf, splitRows } from '../options/held-out.ts';
import { codecOf } from '../rl/chat-prompts.ts';
import { promptRowsOrChats, promptText } from '../rl/prompt-rows.ts';
import { fittingPrompts, roomBeside } from '../rl/train-policy.ts';
import { startCompute } from '../run/compute.ts';
import { checkpointIn, stoppedRun } from '../run/going-on.ts';
import { openPolicy } from '../run/open-policy.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { openPreference } from './preference-source.ts';

/** Options of training, as the command resolves them. */
export interface TrainFlags {
  model?: string | undefined;
  data?: string | undefined;
  columns?: Record<string, string> | undefined;
  preference?: string | undefined;
  world: 'full' | 'mini';
  articles: number;
  objective: Objective;
  opponent: 'mixture' | 'ema';
  mixtureCoef?: number | undefined;
  emaDecay?: number | undefined;
  klCoef?: number | undefined;
  klEstimator: 'reward-to-go' | 'analytic' | 'token-local';
  deploy: 'policy' | 'mixture';
  steps?: number | undefined;
  batchSize: number;
  samplesPerPrompt: number;
  tournament: boolean;
  innerSteps?: number | undefined;
  learningRate?: number | undefined;
  maxNewTokens?: number | undefined;
  lora: number;
  comparisons: number;
  precision: 'float32' | 'bf16';
  [name: string]: unknown;
}

type Context = CommandContext<TrainFlags>;

const [defaultSteps, heldOutPrompts] = [100, 64];

export async function trainModel(context: Context): Promise<CommandResult> {
  const { options: given } = context;
  if (!given.resume) check(given);
  return withRun({ command: 'nash-md', options: given, given: context.given }, (run) => learn(context, run));
}

/** Refuses before a folder is made. */
function check(o: TrainFlags): void {
  const where = 'gimbal nash-md';
  if (o.model === undefined)
    throw new ConfigError({
      where: `${where} --model`,
      what: 'which model?',
      wanted: 'a model folder, or a .gguf file',
    });
  if (o.preference === undefined) {
    const wanted = 'the folder of a preference or reward model, world:newsroom, or ./file.mjs';
    throw new ConfigError({ where: `${where} --preference`, what: 'who is preferred?', wanted });
  }
  if (o.data === undefined && o.preference !== 'world:newsroom') {
    const fix = 'Give --data, rows with a prompt each';
    throw new ConfigError({ where: `${where} --data`, what: 'there are no prompts', fix });
  }
}

async function learn(context: Context, run: RunFolder): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run) as Context['options'];
  const compute = await startCompute(o);
  const { NashMdTrainer, playMatrix } = await import('@gimbal/nash-md');
  const { rng } = await import('@gimbal/tensor-core');
  const note = (text: string): void => output.note(text);
  const world = o.world === 'mini' ? { preset: 'mini' as const } : undefined;
  const { rows, chats } = await promptRowsOrChats(o, world);
  const preference = await openPreference(o.preference as string, 'gimbal nash-md --preference', { world, chats });
  const open = await openPolicy('gimbal nash-md', { ...o, model: o.model as string, output, signal });
  try {
    const { policy, params, tokenizer, contextLength } = open;
    const codec = codecOf(tokenizer, chats);
    const maxNewTokens = o.maxNewTokens ?? roomBeside(rows, tokenizer, contextLength, codec);
    const all = fittingPrompts(rows, { tokenizer, contextLength, maxNewTokens, codec }, note);
    const share = heldOutOf('nash-md', undefined, all.length, heldOutPrompts);
    const { training: prompts, heldOut } = splitRows(all, share, rng(o.seed).split('split'));
    note(`${counted(prompts.length, 'prompt')}, ${heldOut.length} held out`);
    const steps = o.steps ?? defaultSteps;
    const trainerOptions: NashMdOptions & { out: string } = {
      ...{ policy, params, codec, prompts, preference: preference.fn, objective: o.objective, deploy: o.deploy },
      ...{ klEstimator: o.klEstimator, batchSize: o.batchSize, samplesPerPrompt: o.samplesPerPrompt },
      ...{ tournament: o.tournament, precision: o.precision, seed: o.seed },
      ...(o.innerSteps !== undefined && { innerSteps: o.innerSteps }),
      ...(o.klCoef !== undefined && { klCoef: o.klCoef }),
      ...opponentOf(o),
      maxNewTokens,
      maxGradNorm: 1,
      learningRate: o.learningRate ?? (o.lora > 0 ? 1e-4 : 1e-5),
      checkpointEvery: Math.max(1, Math.ceil(steps / 10)),
      out: join(run.path, 'training'),
    };
    using trainer = (await checkpointIn(trainerOptions.out, note))
      ? await NashMdTrainer.resume(trainerOptions.out, trainerOptions, { warn: note })
      : new NashMdTrainer(trainerOptions);
    const progress = new Progress(output, 'nash-md');
    for await (const s of trainer.train({ steps, signal })) {
      const text = `wins ${percent(s.winRate)}  KL ${figure(s.kl)}  ${figure(s.length)} tokens`;
      progress.update({ step: s.step, total: steps, text });
    }
    if (trainer.stopReason === 'signal')
      throw stoppedRun('nash-md', run.path, `stopped after step ${trainer.step} of ${steps}`);
    const start = { policy, params: trainer.reference };
    const played = await playMatrix(
      { trained: trainer.deployable(), start },
      {
        ...{ codec, preference: preference.fn, prompts: heldOut, maxNewTokens, seed: o.seed, signal },
        samplesPerCell: o.comparisons,
      },
    );
    const [rate, low, high] = [played.p[1], played.low[1], played.high[1]] as [number, number, number];
    progress.done(
      `wins ${percent(rate)} [${percent(low)}, ${percent(high)}] against the start, ${o.comparisons} comparisons`,
    );
    const path = await open.save(run.path, trainer.params);
    const report = join(run.path, 'report.html');
    const { trainReport } = await import('./train-report.ts');
    const samples = heldOut.slice(0, 6).map((p, i) => ({
      prompt: promptText(p),
      start: (played.completions.start as readonly string[])[i] ?? '',
      trained: (played.completions.trained as readonly string[])[i] ?? '',
    }));
    const about = { run: run.path, objective: o.objective, rate, low, high, samples, orderBias: played.orderBias ?? 0 };
    await writeFileAtomic(report, await trainReport({ ...about, seconds: progress.seconds, backend: compute.name }));
    if (!output.json) {
      output.line(`report  ${report}`);
      output.line(`${o.lora > 0 ? 'adapter' : 'model'}  ${path}`);
    }
    await compute.trace(output);
    const winRate = { value: rate, low, high, comparisons: o.comparisons };
    return { json: { run: run.path, report, path, steps: trainer.step, winRateAgainstStart: winRate } };
  } finally {
    open.dispose();
    preference.dispose();
  }
}

function opponentOf(o: TrainFlags): { opponent?: Opponent } {
  if (o.opponent === 'ema') return { opponent: { kind: 'ema', decay: o.emaDecay ?? 0.99 } };
  if (o.mixtureCoef === undefined) return {};
  return { opponent: { kind: 'mixture', mixtureCoef: o.mixtureCoef } };
}
