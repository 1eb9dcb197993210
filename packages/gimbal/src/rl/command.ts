// gimbal rl, and gimbal grpo, which is its preset: a model you have learns from a reward.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { tokenPresets } from '@gimbal/fma-pg';
import { ConfigError, type Params, type Prompt, writeFileAtomic } from '@gimbal/tensor-core';
import type { z } from 'zod';
import { type Command, type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { counted, figure, quantity } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { checkColumns } from '../options/columns.ts';
import { kebab } from '../options/kind.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { bestParams } from '../run/best-params.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { refuseSeq2Seq } from '../run/decoder-only.ts';
import { stoppedRun } from '../run/going-on.ts';
import { openPolicy } from '../run/open-policy.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { TrainingTime } from '../run/training-time.ts';
import { watchModules } from '../run/watch-modules.ts';
import { rewardWithInterval } from '../stages/internal/intervals.ts';
import { lastKl, toldChange, toldDistance, toldOn, toldOverlap, toldStill } from './findings.ts';
import { defaultRate, earlierRate } from './learning-rate.ts';
import { LongCompletions } from './long-completions.ts';
import { defaultSteps, optionsWith } from './options.ts';
import { promptParts, toldShared } from './prompt-parts.ts';
import { promptRows, promptText, refuseEmpty, refuseNoArticles } from './prompt-rows.ts';
import { rlReport } from './report.ts';
import { loadRewards, modulesIn, readsNewsroom } from './reward.ts';
import { parseReward, type RewardSpec } from './reward-spec.ts';
import { surrogateOf } from './surrogate-flags.ts';
import { defined, fittingPrompts, type RlSettings, roomBeside, scorePrompts, trainPolicy } from './train-policy.ts';
import { bestLook, checkMonitor, verdictOf, watchRun } from './watch.ts';

type Options = z.output<ReturnType<typeof optionsWith>>;
type Context = CommandContext<Options>;

/** The command under one of its names. */
export function rlCommand(name: 'rl' | 'grpo'): Command<ReturnType<typeof optionsWith>> {
  return defineCommand({
    summary:
      name === 'rl'
        ? 'Reinforcement learning of a model you have: rloo, grpo, ppo, reinforce, smdpo, sppo, from any reward.'
        : 'gimbal rl with GRPO: groups of completions of each prompt, compared with each other.',
    options: optionsWith(name === 'grpo' ? 'grpo' : 'rloo'),
    resumes: true,
    examples: [
      `gimbal ${name} --model runs/align-1/model --reward world:newsroom --learning-rate 3e-4`,
      `gimbal ${name} --model my-model --data questions.jsonl --columns prompt=question --reward exact:answer --lora 16`,
      `gimbal ${name} --model my-model --data prompts.jsonl --reward ./reward.mjs   export default (prompts, completions, rows) => numbers`,
      `gimbal ${name} --model my-model --data prompts.jsonl --reward runs/reward-1 --monitor entailment:runs/reward-2   stops where the second falls`,
      `gimbal ${name} --resume                 go on with the run that was stopped`,
    ],
    async run(context) {
      const { options: given } = context;
      if (!given.resume) {
        refuseUnused(context, name, check(name, given));
        await refuseSeq2Seq(`gimbal ${name} --model`, given.model);
      }
      return withRun(
        {
          ...{ command: name, options: given, given: context.given, note: (text) => context.output.note(text) },
          longer: {
            steps: defaultSteps,
            told: 'The learning rate is the same; weights of rewards go on by their steps',
          },
        },
        (run) => watched(context, run, name),
      );
    },
  });
}

/** Refuses options before a folder is made. */
function check(name: string, o: Options): readonly RewardSpec[] {
  checkColumns(name, o.columns, ['prompt']);
  const specs = o.reward.map((text) => parseReward(text, `gimbal ${name} --reward`, { moving: true }));
  if (o.monitor !== undefined) checkMonitor(o.monitor, `gimbal ${name} --monitor`);
  else refuseUnwatched(name, o);
  if (o.maskTruncated && o.missingEosPenalty > 0)
    throw new ConfigError({
      where: `gimbal ${name} --mask-truncated`,
      what: 'what is left out can have no penalty',
      fix: 'Give one of --mask-truncated and --missing-eos-penalty',
    });
  // such a completion is empty, or cut: the trainer refuses it too, after the model was read
  const forCut = o.maskTruncated
    ? '--mask-truncated'
    : o.missingEosPenalty > 0
      ? '--missing-eos-penalty'
      : o.missingEosReward !== undefined && '--missing-eos-reward';
  if (o.maxNewTokens === 1 && forCut)
    throw new ConfigError({
      where: `gimbal ${name} --max-new-tokens`,
      what: 'one token leaves no room for an end, and completions without one are to be told apart',
      fix: `Give 2 or more, or leave ${forCut} out`,
    });
  const ofValue = (['valueTrunk', 'valueLearningRate', 'gaeLambda'] as const).find(
    (option) => o[option] !== undefined && o[option] !== 'policy',
  );
  if (ofValue !== undefined && (o.baseline ?? (o.preset === 'ppo' ? 'value' : undefined)) !== 'value')
    throw new ConfigError({
      where: `gimbal ${name} --${kebab(ofValue)}`,
      what: `'${o.baseline ?? o.preset}' has no value function`,
      fix: `Give --preset ppo or --baseline value, or leave --${kebab(ofValue)} out`,
    });
  if (o.missingEosReward !== undefined && (o.maskTruncated || o.missingEosPenalty > 0))
    throw new ConfigError({
      where: `gimbal ${name} --missing-eos-reward`,
      what: 'completions that were cut have one rule',
      fix: 'Give one of --mask-truncated, --missing-eos-penalty and --missing-eos-reward',
    });
  const { batchSize, accumulate = 1 } = o;
  const {
    baseline,
    credit,
    normalizeAdvantage,
    samplesPerPrompt = 1,
  } = {
    ...tokenPresets[o.preset](),
    ...defined({ baseline: o.baseline, credit: o.credit, samplesPerPrompt: o.samplesPerPrompt }),
    ...defined({ normalizeAdvantage: o.normalizeAdvantage }),
  };
  if (batchSize % samplesPerPrompt !== 0)
    throw new ConfigError({
      where: `gimbal ${name} --batch-size`,
      what: 'the completions of a step are those of whole prompts',
      got: batchSize,
      wanted: `a multiple of the ${samplesPerPrompt} completions of each prompt`,
      fix: `Give --batch-size ${Math.ceil(batchSize / samplesPerPrompt) * samplesPerPrompt}, or another --samples-per-prompt`,
    });
  const leavesOne = credit === 'sequence' && (baseline ?? 'leave-one-out') === 'leave-one-out';
  if (samplesPerPrompt < 2 && (baseline === 'group' || normalizeAdvantage === 'group' || leavesOne))
    throw new ConfigError({
      where: `gimbal ${name} --samples-per-prompt`,
      what: 'completions of one prompt are compared with each other',
      got: samplesPerPrompt,
      wanted: 'at least 2',
      fix: 'Leave it out, or give --baseline batch and --normalize-advantage batch',
    });
  if (baseline !== 'value' && baseline !== 'moving-average' && batchSize * accumulate < 2)
    throw new ConfigError({
      where: `gimbal ${name} --batch-size`,
      what: 'a completion alone has nothing to be compared with',
      got: batchSize,
      wanted: 'at least 2',
      fix: 'Give a larger one, or --baseline moving-average',
    });
  surrogateOf(`gimbal ${name}`, o);
  if (baseline === 'value' && credit === 'sequence')
    throw new ConfigError({
      where: `gimbal ${name} --credit`,
      what: 'a value function credits each token with what follows, not with the whole',
      got: o.credit ?? `sequence, of ${o.preset}`,
      fix: 'Give --credit token, or another --baseline',
    });
  if (o.evalEvery !== undefined && o.monitor !== undefined)
    throw new ConfigError({
      where: `gimbal ${name} --eval-every`,
      what: 'the monitor says already which weights are kept',
      fix: 'Give one of --eval-every and --monitor',
    });
  const bodyOf = ({ weight: _weight, name: _name, ...body }: RewardSpec): string => JSON.stringify(body);
  const optimised = specs.map(bodyOf);
  const twice = o.monitor?.find((text) => optimised.includes(bodyOf(parseReward(text, `gimbal ${name} --monitor`))));
  if (twice !== undefined)
    throw new ConfigError({
      where: `gimbal ${name} --monitor`,
      what: 'what is optimised cannot watch itself',
      got: twice,
      fix: 'Name another reward model, judge or function than --reward does',
    });
  if (o.data === undefined && !specs.some(readsNewsroom)) {
    const fix = 'Give --data, rows with a prompt each';
    throw new ConfigError({ where: `gimbal ${name} --data`, what: 'there are no prompts', fix });
  }
  return specs;
}

/** Options that say nothing here: of a monitor that there is not, of the generated newsroom beside rows of the user's. */
function refuseUnused({ options: o, given }: Context, name: string, specs: readonly RewardSpec[]): void {
  if (o.monitor === undefined)
    refuseGiven(`gimbal ${name}`, given, ['patience'], 'nothing watches the run without --monitor');
  if (o.policyWarmup === undefined)
    refuseGiven(`gimbal ${name}`, given, ['policyWarmupMode'], 'there is no warm-up without --policy-warmup');
  if (o.data === undefined) return;
  refuseGiven(`gimbal ${name}`, given, ['articles'], 'the prompts are those of --data: no articles are generated');
  // a judge of the newsroom reads articles that came from a file
  const judged = [...specs, ...(o.monitor ?? []).map((text) => parseReward(text, `gimbal ${name} --monitor`))];
  if (judged.some(readsNewsroom)) return;
  refuseGiven(`gimbal ${name}`, given, ['world'], 'the prompts are those of --data, and no reward is world:newsroom');
}

/** The judge of the newsroom reads its articles only. @throws ConfigError naming the flag and the row */
async function checkArticles(
  name: string,
  o: Options,
  specs: readonly RewardSpec[],
  rows: { prompts: readonly Prompt[]; world: object | undefined },
): Promise<void> {
  const monitors = (o.monitor ?? []).map((text) => parseReward(text, `gimbal ${name} --monitor`));
  const flag = specs.some(readsNewsroom) ? 'reward' : monitors.some(readsNewsroom) ? 'monitor' : undefined;
  if (flag !== undefined) await refuseNoArticles({ ...rows, where: `gimbal ${name} --${flag}`, file: o.data });
}

/** What the monitor is told, without one. @throws ConfigError naming the flag */
function refuseUnwatched(name: string, o: Options): void {
  for (const option of ['maxKl', 'tolerance', 'minLengthRatio', 'maxEmptyRate', 'lookEvery'] as const) {
    if (o[option] === undefined) continue;
    const fix = option === 'maxKl' ? 'Give --monitor, or a higher --kl-coef' : 'Give --monitor';
    throw new ConfigError({ where: `gimbal ${name} --${kebab(option)}`, what: 'nothing watches the run', fix });
  }
}

/** Learns, with an ear for what modules of the user's do outside their calls. */
async function watched(context: Context, run: RunFolder, name: string): Promise<CommandResult> {
  const { reward, monitor = [] } = optionsOfRun(context.options, run) as Context['options'];
  const modules = (texts: readonly string[], flag: string): readonly string[] =>
    modulesIn(texts.map((text) => parseReward(text, `gimbal ${name} --${flag}`, { moving: flag === 'reward' })));
  const release = watchModules(context.output, [
    { where: `gimbal ${name} --reward`, paths: modules(reward, 'reward') },
    { where: `gimbal ${name} --monitor`, paths: modules(monitor, 'monitor') },
  ]);
  try {
    return await learn(context, run, name);
  } finally {
    release();
  }
}

async function learn(context: Context, run: RunFolder, name: string): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run) as Context['options'];
  const specs = check(name, o);
  const compute = await startCompute(o);
  refuseBf16(`gimbal ${name}`, o.precision, compute);
  const { disposeTree, rng } = await import('@gimbal/tensor-core');
  const { withGradientCheckpointing } = await import('@gimbal/language-models');
  const stream = rng(o.seed);
  const note = (text: string): void => output.note(text);
  const world = o.world === 'mini' ? { preset: 'mini' as const, styles: 0 } : undefined;
  const all = await promptRows(o, world);
  if (o.data !== undefined) await checkArticles(name, o, specs, { prompts: all, world });
  const long = new LongCompletions();
  const { onTooLong } = long;
  const rewards = await loadRewards(specs, { where: `gimbal ${name} --reward`, world, onTooLong });
  const open = await openPolicy(`gimbal ${name}`, { ...o, output, signal });
  try {
    const { params: start, tokenizer, contextLength } = open;
    const policy = o.gradientCheckpointing ? withGradientCheckpointing(open.policy) : open.policy;
    await refuseEmpty(all, tokenizer.begin, o.data);
    const maxNewTokens = o.maxNewTokens ?? roomBeside(all, tokenizer, contextLength);
    const fitting = fittingPrompts(all, { tokenizer, contextLength, maxNewTokens }, note);
    const choose = o.evalEvery !== undefined;
    const parts = { heldOut: o.heldOut, choose, rng: stream };
    const { training, heldOut, selection } = promptParts(name, fitting, parts);
    const common = { policy, tokenizer, rewards, signal };
    const score = (params: Params) =>
      scorePrompts({
        ...common,
        params,
        prompts: heldOut,
        maxNewTokens,
        temperature: o.temperature,
        rng: stream.split('evaluate'),
      });
    // a run that is gone on with keeps its own; where it wrote none down, it is one of an earlier version
    const isEarlier = o.resume && o.learningRate === undefined && existsSync(join(run.path, 'training', 'checkpoints'));
    const learningRate = o.learningRate ?? (isEarlier ? earlierRate(o.lora) : defaultRate(open.size, o.lora));
    if (o.learningRate === undefined) await run.update({ resolved: { ...run.config.resolved, learningRate } });
    const ofSize = o.learningRate === undefined && !isEarlier;
    const rate = `learning rate ${learningRate}${ofSize ? ` for ${quantity(open.size)} parameters` : ''}`;
    note(
      `${counted(training.length, 'prompt')}, ${heldOut.length} held out${choose ? `, ${selection.length} to choose the step on` : ''}; ${rewards.map((r) => r.name).join(' + ')}; ${rate}`,
    );
    for (const told of toldShared({ training, heldOut, selection })) note(`warning: ${told}`);
    const before = await score(start);
    const was = rewardWithInterval(before.rewards);
    note(`reward of held-out prompts: ${was.n === 0 ? 'none, all are abstained on' : figure(was.value)}`);
    const settings: RlSettings = { ...o, maxNewTokens, learningRate };
    const progress = new Progress(output, name);
    const { patience, maxKl, tolerance, minLengthRatio, maxEmptyRate, lookEvery } = o;
    const bounds = { patience, maxKl, tolerance, minLengthRatio, maxEmptyRate, every: lookEvery };
    const watching = o.monitor && { monitor: o.monitor, ...bounds, world };
    const watch = watching && (await watchRun(run.path, watching, `gimbal ${name} --monitor`));
    const folder = join(run.path, 'training');
    const time = new TrainingTime(run);
    let teaches = true;
    using trainer = await time.of(
      trainPolicy({
        ...common,
        params: start,
        prompts: training,
        ...(choose && { evalPrompts: selection }),
        settings,
        seed: o.seed,
        out: folder,
        progress: (update) => progress.update(update),
        watch,
        note,
        where: `gimbal ${name} --reward`,
        tooLong: () => long.seen,
        untaught: () => {
          teaches = false;
        },
        setsSampling: true,
        stopped: (what) => stoppedRun(name, run.path, what),
      }),
    );
    if (long.seen > 0) note(`warning: ${long.told}`);
    // where the control fell, or other prompts were answered better before, the weights to keep are not the last
    let best = watch?.endedAt(trainer.step) ? await watch.bestParams(note) : undefined;
    if (choose && trainer.best !== null && trainer.best.step !== trainer.step)
      best = await bestParams(folder, trainer, note);
    const { params } = best ?? trainer;
    const after = await score(params);
    const is = rewardWithInterval(after.rewards);
    progress.done(`${toldChange(was, is)} ${toldOn(was, is, heldOut.length)}`);
    const { kl, still } = await lastKl(folder);
    const went = { kl, rewards: rewards.map((r) => r.name), watched: watch !== undefined };
    const klCoef = Number(trainer.options.klCoef); // no flag makes it a schedule
    // a reference that moves is never far, and of a reward that teaches nothing the cause is told already
    const stays = o.anchorRate === undefined && teaches && toldStill({ kl: still, learningRate, klCoef, was, is });
    const found = [stays || toldOverlap(was, is), toldDistance(went)].filter((told) => told !== undefined);
    for (const told of found) note(told);
    if (watch) note(verdictOf(watch.seen));
    const target = await open.save(run.path, params);
    if (best) {
      note(`kept: the weights of step ${best.step}`);
      disposeTree(best.params);
    }
    const report = join(run.path, 'report.html');
    await writeFileAtomic(
      report,
      await rlReport({
        eyebrow: `gimbal ${name}`,
        run: run.path,
        settings: { ...settings, steps: trainer.step },
        ...(watch && { watched: watch.seen }),
        rewards: rewards.map((r) => r.name),
        was,
        is,
        found,
        samples: heldOut.slice(0, 6).map((p, i) => ({
          prompt: promptText(p),
          before: { text: before.completions[i] as string, reward: before.totals[i] as number | null },
          after: { text: after.completions[i] as string, reward: after.totals[i] as number | null },
        })),
        making: {
          ...{ command: name, table: optionsWith(name === 'grpo' ? 'grpo' : 'rloo'), preset: o.preset },
          options: run.config.options,
          resolved: { learningRate, maxNewTokens, backend: compute.name, threads: compute.threads, seed: o.seed },
          settings: trainer.options,
        },
        seconds: time.seconds,
        backend: compute.name,
      }),
    );
    if (!output.json) {
      output.line(`report  ${report}`);
      output.line(`${o.lora > 0 ? 'adapter' : 'model'}  ${target}`);
    }
    await compute.trace(output);
    const seen = watch && {
      control: { best: bestLook(watch.seen), last: watch.seen.at(-1), verdict: verdictOf(watch.seen) },
    };
    return {
      json: {
        run: run.path,
        report,
        path: target,
        steps: trainer.step,
        rewardBefore: was,
        reward: is,
        ...seen,
        ...(long.seen > 0 && { tooLong: long.seen }),
      },
    };
  } finally {
    open.dispose();
  }
}
