// gimbal nash-md --data: a model you have is trained to a policy that no other beats, by any preference.
import { join } from 'node:path';
import type { Tokenizer } from '@gimbal/language-models';
import type { Contestant, DpoLossName, NashMdOptions, Objective, Opponent } from '@gimbal/nash-md';
import { ConfigError, type Schedule, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { counted, figure, percent } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { openModel, type Writer } from '../generate/open-model.ts';
import { heldOutOf, splitRows } from '../options/held-out.ts';
import { inFlags } from '../options/in-flags.ts';
import { inParts } from '../options/in-parts.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { codecOf } from '../rl/chat-prompts.ts';
import { promptRowsOrChats, promptText } from '../rl/prompt-rows.ts';
import { fittingPrompts, roomBeside } from '../rl/train-policy.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { refuseSeq2Seq } from '../run/decoder-only.ts';
import { alreadyDone, checkpointIn, failedRun, stoppedRun } from '../run/going-on.ts';
import { openPolicy } from '../run/open-policy.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { preferenceForms } from './preference-forms.ts';
import { isJudgesFailure, openPreference } from './preference-source.ts';

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
  mixtureCoef?: number | number[] | undefined;
  emaDecay?: number | undefined;
  against?: string | undefined;
  klCoef?: number | number[] | undefined;
  klEstimator: 'reward-to-go' | 'analytic' | 'token-local';
  deploy: 'policy' | 'mixture';
  steps?: number | undefined;
  batchSize: number;
  samplesPerPrompt: number;
  tournament: boolean;
  contrastive: boolean;
  inverseStep?: number | undefined;
  dpoLoss: DpoLossName;
  orders: 'auto' | 'one' | 'both';
  missingEosPenalty: number;
  accumulate: number;
  retries: number;
  remember: boolean;
  emaForm: 'recursive' | 'anchored';
  innerSteps?: number | undefined;
  learningRate?: number | undefined;
  maxNewTokens?: number | undefined;
  lora: number;
  comparisons: number;
  precision: 'float32' | 'bf16';
  [name: string]: unknown;
}

type Context = CommandContext<TrainFlags>;

/** A share of comparisons, with the ends of its interval. */
interface WinRate {
  value: number;
  low: number;
  high: number;
  comparisons: number;
}

const [defaultSteps, heldOutPrompts] = [100, 64];
const longer = {
  steps: defaultSteps,
  told: 'The learning rate is the same; a --kl-coef or --mixture-coef in parts is now that of a run of so many',
};

/** The library's options, as they are typed. */
const flags = {
  ...{ klCoef: '--kl-coef', 'opponent.mixtureCoef': '--mixture-coef', opponent: '--opponent', deploy: '--deploy' },
  ...{ batchSize: '--batch-size', samplesPerPrompt: '--samples-per-prompt', contrastive: '--contrastive' },
  ...{ inverseStep: '--inverse-step', klEstimator: '--kl-estimator', tournament: '--tournament' },
};

export async function trainModel(context: Context): Promise<CommandResult> {
  const { options: given } = context;
  if (!given.resume) {
    check(given);
    refuseUnused(context);
    await refuseSeq2Seq('gimbal nash-md --model', given.model as string);
    const { against } = given;
    if (against !== undefined) await refuseSeq2Seq('gimbal nash-md --against', against.split('+')[0] as string);
  }
  const note = (text: string): void => context.output.note(text);
  return withRun({ command: 'nash-md', options: given, given: context.given, note, longer }, (run) =>
    learn(context, run),
  );
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
  if (o.preference === undefined)
    throw new ConfigError({ where: `${where} --preference`, what: 'who is preferred?', wanted: preferenceForms });
  if (o.against !== undefined && (o.opponent === 'ema' || o.mixtureCoef !== undefined)) {
    const what = 'the opponent is the model that is named, and never moves';
    throw new ConfigError({ where: `${where} --against`, what, fix: 'Leave out --opponent and --mixture-coef' });
  }
  if (o.data === undefined && o.preference !== 'world:newsroom') {
    const fix = 'Give --data, rows with a prompt each';
    throw new ConfigError({ where: `${where} --data`, what: 'there are no prompts', fix });
  }
}

/** Options of other objectives and opponents would be ignored. */
function refuseUnused({ given, options }: Context): void {
  const { objective, opponent, mixtureCoef, data, preference } = options;
  const of = (...names: Objective[]): boolean => names.includes(objective);
  const ignored = [
    ...(of('policy-gradient', 'nash-mp') ? [] : ['klEstimator', 'missingEosPenalty']),
    ...(of('online-dpo') ? [] : ['dpoLoss']),
    ...(of('online-ipo', 'ipo-md', 'online-dpo', 'inpo') ? ['tournament'] : []),
    ...(of('sppo', 'dno') ? ['klCoef'] : []),
    ...(of('sppo', 'dno', 'inpo', 'nash-mp') ? [] : ['inverseStep']),
  ];
  refuseGiven('gimbal nash-md', given, ignored, `--objective ${objective} has no such option`);
  const mixes = [mixtureCoef ?? (of('policy-gradient', 'ipo-md') ? 0.125 : 0)].flat().some((beta) => beta > 0);
  if (options.deploy === 'mixture' && !mixes) {
    const what = 'the mixture has no weight on the reference: it is the policy';
    const fix = 'Leave it out, or give a --mixture-coef above 0 with --objective policy-gradient or ipo-md';
    throw new ConfigError({ where: 'gimbal nash-md --deploy', what, got: 'mixture', wanted: 'policy', fix });
  }
  const others = opponent === 'ema' ? ['mixtureCoef'] : ['emaDecay', 'emaForm'];
  refuseGiven('gimbal nash-md', given, others, `--opponent ${opponent} has no such option`);
  if (data === undefined) return;
  refuseGiven('gimbal nash-md', given, ['articles'], 'the prompts are those of --data');
  if (preference !== 'world:newsroom')
    refuseGiven('gimbal nash-md', given, ['world'], 'neither prompts nor preference are of a newsroom');
}

async function learn(context: Context, run: RunFolder): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run) as Context['options'];
  const compute = await startCompute(o);
  refuseBf16('gimbal nash-md', o.precision, compute);
  const { NashMdTrainer, playMatrix, rememberPreferences } = await import('@gimbal/nash-md');
  const { rng, schedules } = await import('@gimbal/tensor-core');
  const note = (text: string): void => output.note(text);
  const world = o.world === 'mini' ? { preset: 'mini' as const } : undefined;
  const { rows, chats } = await promptRowsOrChats(o, world);
  const preference = await openPreference(o.preference as string, 'gimbal nash-md --preference', { world, chats });
  const open = await openPolicy('gimbal nash-md', { ...o, model: o.model as string, output, signal });
  let rival: Writer | undefined;
  try {
    const { policy, params, tokenizer, contextLength } = open;
    rival = o.against === undefined ? undefined : await openRival(o.against, tokenizer);
    const codec = codecOf(tokenizer, chats);
    const maxNewTokens = o.maxNewTokens ?? roomBeside(rows, tokenizer, contextLength, codec);
    const all = fittingPrompts(rows, { tokenizer, contextLength, maxNewTokens, codec }, note);
    const share = heldOutOf('nash-md', undefined, all.length, heldOutPrompts);
    const { training: prompts, heldOut } = splitRows(all, share, rng(o.seed).split('split'));
    note(`${counted(prompts.length, 'prompt')}, ${heldOut.length} held out`);
    const steps = o.steps ?? defaultSteps;
    const trainerOptions: NashMdOptions & { out: string } = {
      ...{ policy, params, codec, prompts, objective: o.objective, deploy: o.deploy },
      preference: o.remember ? rememberPreferences(preference.fn) : preference.fn,
      ...{ batchSize: o.batchSize, accumulate: o.accumulate, samplesPerPrompt: o.samplesPerPrompt },
      ...(o.tournament && { tournament: true }),
      ...{ contrastive: o.contrastive, precision: o.precision, seed: o.seed },
      ...(o.innerSteps !== undefined && { innerSteps: o.innerSteps }),
      ...{ orders: o.orders, retries: o.retries },
      ...((o.objective === 'policy-gradient' || o.objective === 'nash-mp') && { klEstimator: o.klEstimator }),
      ...(o.objective === 'online-dpo' && { dpoLoss: o.dpoLoss }),
      ...(o.klCoef !== undefined && { klCoef: inParts(o.klCoef, steps) }),
      ...(o.inverseStep !== undefined && { inverseStep: o.inverseStep }),
      ...(o.missingEosPenalty > 0 && { missingEos: { penalty: o.missingEosPenalty } }),
      ...opponentOf(o, rival, steps),
      maxNewTokens,
      maxGradNorm: 1,
      learningRate: o.learningRate ?? (o.lora > 0 ? 1e-4 : 1e-5),
      checkpointEvery: Math.max(1, Math.ceil(steps / 10)),
      out: join(run.path, 'training'),
    };
    const from = await checkpointIn(trainerOptions.out, note);
    using trainer = await inFlags('gimbal nash-md', flags, () =>
      from
        ? NashMdTrainer.resume(trainerOptions.out, trainerOptions, { warn: note })
        : new NashMdTrainer(trainerOptions),
    );
    if (trainer.step >= steps) note(alreadyDone(trainer.step));
    const progress = new Progress(output, 'nash-md');
    const failed = (error: unknown): never => {
      throw isJudgesFailure(error, o.preference) ? failedRun('nash-md', '--preference', run.path, error) : error;
    };
    try {
      for await (const s of trainer.train({ steps, signal })) {
        const text = `wins ${percent(s.winRate)}  KL ${figure(s.kl)}  ${figure(s.length)} tokens`;
        progress.update({ step: s.step, total: steps, text });
      }
    } catch (error) {
      failed(error);
    }
    if (trainer.stopReason === 'signal')
      throw stoppedRun('nash-md', run.path, `stopped after step ${trainer.step} of ${steps}`);
    const start = { policy, params: trainer.reference };
    const played = await playMatrix(
      { trained: trainer.deployable(), start, ...(rival && { against: contestantOf(rival) }) },
      {
        ...{ codec, preference: preference.fn, prompts: heldOut, maxNewTokens, seed: o.seed, signal },
        samplesPerCell: o.comparisons,
      },
    ).catch(failed);
    const against = (at: number): WinRate => ({
      ...{ value: played.p[at] as number, low: played.low[at] as number, high: played.high[at] as number },
      comparisons: o.comparisons,
    });
    const winRate = against(1);
    const response = rival && against(2);
    const said = ({ value, low, high }: WinRate): string => `${percent(value)} [${percent(low)}, ${percent(high)}]`;
    progress.done(`wins ${said(winRate)} against the start, ${o.comparisons} comparisons`);
    if (response)
      note(`wins ${said(response)} against ${o.against}: what is above one half, a best response takes from it`);
    const path = await open.save(run.path, trainer.params);
    const report = join(run.path, 'report.html');
    const { trainReport } = await import('./train-report.ts');
    const samples = heldOut.slice(0, 6).map((p, i) => ({
      prompt: promptText(p),
      start: (played.completions.start as readonly string[])[i] ?? '',
      trained: (played.completions.trained as readonly string[])[i] ?? '',
    }));
    const about = {
      ...{ run: run.path, objective: o.objective, samples, orderBias: played.orderBias ?? 0 },
      ...{ rate: winRate.value, low: winRate.low, high: winRate.high },
      ...(response && { against: { name: o.against as string, ...response } }),
    };
    await writeFileAtomic(report, await trainReport({ ...about, seconds: progress.seconds, backend: compute.name }));
    if (o.deploy === 'mixture') {
      const { mixtureCoef } = trainer.options.opponent as { mixtureCoef: Schedule };
      const weight = schedules.scheduleAt(mixtureCoef, Math.max(0, trainer.step - 1));
      const made = join(run.path, o.lora > 0 ? 'adapter' : 'model');
      const played = o.lora > 0 ? `${o.model}+${made}@${weight}` : `${made}@${weight}@${o.model}`;
      note(
        `what was measured is its mixture with the start, of weight ${weight}: gimbal eval --matrix plays it as ${played}`,
      );
    }
    if (!output.json) {
      output.line(`report  ${report}`);
      output.line(`${o.lora > 0 ? 'adapter' : 'model'}  ${path}`);
    }
    await compute.trace(output);
    const found = { winRateAgainstStart: winRate, ...(response && { winRateAgainst: response }) };
    return { json: { run: run.path, report, path, steps: trainer.step, ...found } };
  } finally {
    rival?.[Symbol.dispose]();
    open.dispose();
    preference.dispose();
  }
}

/** The policy that a best response is trained to. @throws ConfigError for one with other tokens */
async function openRival(against: string, tokenizer: Tokenizer): Promise<Writer> {
  const where = 'gimbal nash-md --against';
  const [model = against, adapter] = against.split('+');
  const rival = await openModel(model, where, { adapter });
  const { size } = tokenizer;
  const isSame = (id: number): boolean => rival.tokenizer.token(id) === tokenizer.token(id);
  if (rival.tokenizer.size === size && Array.from({ length: size }, (_, id) => id).every(isSame)) return rival;
  rival[Symbol.dispose]();
  throw new ConfigError({
    where,
    what: 'it has other tokens than --model',
    got: `${rival.tokenizer.size} tokens`,
    wanted: `the ${size} of --model`,
  });
}

const contestantOf = ({ policy, params }: Writer): Contestant => ({ policy, params });

function opponentOf(o: TrainFlags, rival: Writer | undefined, steps: number): { opponent?: Opponent } {
  if (rival !== undefined) return { opponent: { kind: 'fixed', contestant: contestantOf(rival) } };
  if (o.opponent === 'ema') return { opponent: { kind: 'ema', decay: o.emaDecay ?? 0.99, form: o.emaForm } };
  if (o.mixtureCoef === undefined) return {};
  return { opponent: { kind: 'mixture', mixtureCoef: inParts(o.mixtureCoef, steps) } };
}
