// What gimbal gkd does: opens both models, distils, compares, writes the student whole and in 4 bits, and a page.
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type GkdOptions, type Objective, type PresetName, parseDivergence, presets } from '@gimbal/gkd';
import type { Tokenizer } from '@gimbal/language-models';
import { ConfigError, DataError, type GimbalError, type Prompt, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { counted, figure, percent, textTable } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { heldOutOf } from '../options/held-out.ts';
import { inFlags } from '../options/in-flags.ts';
import { promptCodec } from '../rl/prompt-codec.ts';
import { promptText } from '../rl/prompt-rows.ts';
import { loadRewards, sumRewards } from '../rl/reward.ts';
import { parseReward } from '../rl/reward-spec.ts';
import { fittingPrompts, roomBeside } from '../rl/train-policy.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { stoppedRun } from '../run/going-on.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import { optionsOfRun, type RunFolder } from '../run/run-folder.ts';
import { compareLines } from './compare-table.ts';
import { auxiliaryRows, readByTeacher, rowsOf, teacherText } from './data-rows.ts';
import { distil } from './distil.ts';
import { type Contestant, type Judged, judgeModel } from './judge-models.ts';
import { decoderOf, isDecoder, type Opened, openForDistilling } from './open-model.ts';
import { longCompletions, promptsApart } from './prompts-apart.ts';
import { isComplete, type ScoreName, scoreOf } from './score.ts';
import { flagsOfOptions, lambdaOf, type TrainerFlags, trainerOptions } from './trainer-flags.ts';

/** The options of the command. */
export interface GkdFlags extends TrainerFlags {
  teacher: string;
  student?: string | undefined;
  everyLayer?: number | undefined;
  data?: string | undefined;
  columns?: Record<string, string> | undefined;
  preset: PresetName;
  divergence?: string | undefined;
  mixing: 'batch' | 'sequence';
  steps: number;
  batchSize: number;
  learningRate?: number | undefined;
  maxNewTokens?: number | undefined;
  temperature: number;
  teacherTemperature: number;
  teacherTopK?: number | undefined;
  topKOf?: 'teacher' | 'student' | undefined;
  alignment: 'none' | 'spans' | 'uld' | 'hybrid';
  alignVocab: boolean;
  packing: boolean;
  teacherCache?: string | undefined;
  reward?: string[] | undefined;
  alpha: number;
  samplesPerPrompt: number;
  lora: number;
  heldOut?: number | undefined;
  evalEvery?: number | undefined;
  patience?: number | undefined;
  score?: ScoreName | undefined;
  quantize: boolean;
  articles: number;
  world: 'full' | 'mini';
  checkpointEvery?: number | undefined;
  precision: 'float32' | 'bf16';
}

const mostHeldOut = 64;

export async function distilCommand<O extends GkdFlags>(
  context: CommandContext<O>,
  run: RunFolder,
): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run) as CommandContext<O>['options'];
  const compute = await startCompute(o);
  refuseBf16('gimbal gkd', o.precision, compute);
  const lm = await import('@gimbal/language-models');
  const { disposeTree, rng, treeBytes } = await import('@gimbal/tensor-core');
  const { cachedTeacher, modelTeacher, tokenizerHash } = await import('@gimbal/gkd');
  const note = (text: string): void => output.note(text);
  const hub = hubOptions(output, signal);
  const open = async (flag: 'teacher' | 'student', name: string): Promise<Opened> => {
    const where = `gimbal gkd --${flag}`;
    const opened = await openForDistilling(await modelPath(name, where, hub), where);
    for (const warning of opened.warnings) note(`warning ${flag}: ${warning}`);
    return opened;
  };
  const world = o.world === 'mini' ? { preset: 'mini' as const } : undefined;
  const specs = (o.reward ?? []).map((text) => parseReward(text, 'gimbal gkd --reward'));
  const rewards = await loadRewards(specs, { where: 'gimbal gkd --reward', world, onTooLong: () => {} });
  const teacher = await open('teacher', o.teacher);
  let student: Opened | undefined;
  try {
    const every = o.everyLayer;
    if (every === undefined) student = await open('student', o.student as string);
    else {
      if (!isDecoder(teacher)) {
        const what = 'layers are left out of decoders alone, and the teacher is an encoder-decoder';
        throw new ConfigError({ where: 'gimbal gkd --every-layer', what, fix: 'Give --student' });
      }
      const layers = Array.from({ length: Math.ceil(teacher.model.config.layers / every) }, (_, i) => i * every);
      student = decoderOf({ ...teacher, ...lm.keepLayers(teacher.model, teacher.params, layers) });
      note(`the student starts as ${layers.length} of the teacher’s ${teacher.model.config.layers} layers`);
    }
    const apart = !isDecoder(student);
    if (apart === isDecoder(teacher)) {
      const [got, wanted] = apart ? ['a decoder', 'an encoder-decoder'] : ['an encoder-decoder', 'a decoder'];
      const what = 'an encoder-decoder and a decoder read a prompt in different tokens';
      throw new ConfigError({ where: 'gimbal gkd --teacher', what, got, wanted: `${wanted}, as the student is` });
    }
    const { tokenizer } = student;
    const codec = apart ? promptCodec(tokenizer, true) : undefined;
    const other = o.alignment !== 'none';
    const room = teacher.model.config.contextLength;
    // in other tokens a text has another length: what the teacher has no room for is found by its own
    const contextLength = Math.min(student.model.config.contextLength, other ? Number.POSITIVE_INFINITY : room);
    if (other && apart)
      throw new ConfigError({
        where: 'gimbal gkd --alignment',
        what: 'the prompts of encoder-decoders are framed by each tokenizer in its own way',
        wanted: 'decoders',
      });
    const [wide, own] = [teacher.model.config.vocabularySize, student.model.config.vocabularySize];
    if (!other && !o.alignVocab && wide !== own && tokenizerHash(teacher.tokenizer) === tokenizerHash(tokenizer))
      throw new ConfigError({
        where: 'gimbal gkd --teacher',
        what: 'its logits are wider or narrower than the student’s, by columns that are no token',
        got: wide,
        wanted: own,
        fix: `Compare the tokenizer’s ${tokenizer.size} ids alone: --align-vocab`,
      });
    if (every === undefined && (await isOneFolder(teacher.path, student.path)))
      note('warning teacher and student are one model: the student can only learn to stay as it is');
    const where = new Map<Prompt, string>();
    const all = await rowsOf(o, world, tokenizer, other ? teacher.tokenizer : undefined, note, where);
    const maxNewTokens = o.maxNewTokens ?? roomBeside(all, tokenizer, contextLength, codec, apart);
    const fitting = readByTeacher(
      ofNewsroom(o.data === undefined, () =>
        fittingPrompts(all, { tokenizer, contextLength, maxNewTokens, apart, ...(codec && { codec }) }, note),
      ),
      other ? teacher : undefined,
      note,
    );
    const held = heldOutOf('gkd', o.heldOut, fitting.length, mostHeldOut);
    const apartBy = { split: lm.splitDataset, note };
    const { training: others, heldOut } = promptsApart(fitting, held, rng(o.seed).split('split'), apartBy);
    // the table is of prompts that the step was not chosen on
    const { training, heldOut: selection } =
      o.evalEvery === undefined
        ? { training: others, heldOut: [] }
        : promptsApart(others, held, rng(o.seed).split('selection'), { ...apartBy, note: () => {} });
    const prompts = heldOut.map(promptText);
    const teacherPrompts = heldOut.map(teacherText);
    note(`${counted(training.length, 'prompt')}, ${heldOut.length} held out`);
    const asked = modelTeacher(teacher.model, teacher.params, teacher.tokenizer, {
      ...{ precision: o.precision, packing: o.packing },
      ...(o.alignVocab && { columns: Math.min(tokenizer.size, wide) }),
    });
    using disposable = scopeOf(o.teacherCache === undefined ? asked : cachedTeacher(asked, o.teacherCache));
    const share = lambdaOf(o.lambda, o.steps);
    const method = presets[o.preset]({
      teacher: disposable.of,
      ...(o.divergence !== undefined && { divergence: parseDivergence(o.divergence) }),
      ...(share !== undefined && { lambda: share }),
      ...(rewards.length > 0 && {
        reward: { fn: sumRewards(rewards), alpha: o.alpha, samplesPerPrompt: o.samplesPerPrompt },
      }),
    });
    const { lambda = 1 } = method;
    const divergence = objectiveOf(o, method.divergence);
    const options: GkdOptions = {
      ...method,
      ...{ divergence, lambda, mixing: o.mixing },
      ...((typeof lambda !== 'number' || lambda < 1) &&
        method.offPolicy === undefined && {
          offPolicy: { source: training.some(isComplete) ? ('dataset' as const) : ('teacher' as const) },
        }),
      ...{ student: student.model, params: student.params, tokenizer, teacher: disposable.of, prompts: training },
      ...{ batchSize: o.batchSize, maxNewTokens },
      ...trainerOptions(o, await auxiliaryRows(o.auxiliary, tokenizer)),
      ...{ temperature: o.temperature, teacherTemperature: o.teacherTemperature, precision: o.precision },
      ...{ seed: o.seed, overflow: 'drop' as const },
      ...(o.evalEvery !== undefined && { heldOut: selection, evalEvery: Math.min(o.evalEvery, o.steps) }),
      ...(o.patience !== undefined && { earlyStop: { patience: o.patience } }),
      ...(o.teacherTopK !== undefined && { teacherTopK: o.teacherTopK }),
      ...(o.topKOf !== undefined && { topKOf: o.topKOf }),
      ...{
        alignment: o.alignment,
        alignVocab: o.alignVocab,
        packing: o.packing,
        ...(other && { teacherPrompt: teacherText }),
      },
      ...(o.checkpointEvery !== undefined && { checkpointEvery: o.checkpointEvery }),
      warn: (text) => note(`warning ${text}`),
    };
    if (o.teacherCache !== undefined && lambda === 1)
      note('warning --teacher-cache: the student writes every completion anew (λ 1), and none comes again');
    if (options.offPolicy?.source === 'dataset') {
      const without = training.find((row) => !isComplete(row));
      if (without !== undefined)
        throw new ConfigError({
          where: `gimbal gkd --preset ${o.preset}`,
          what: 'it learns from the rows’ completions, and a row has none',
          got: where.get(without) ?? promptText(without).slice(0, 40),
          fix: 'Give --data with completions, or take --preset gkd or seqkd, which need prompts alone',
        });
      const reader = codec ?? promptCodec(tokenizer);
      const promptLength = (row: Prompt): number => reader.encode([promptText(row)]).lengths[0] as number;
      const fits = { tokenizer, context: student.model.config.contextLength, apart, promptLength };
      const long = longCompletions(training, fits, where);
      if (long !== undefined) note(long);
    }
    const judging = {
      ...{ teacher: asked, tokenizer, prompts, maxNewTokens, alignVocab: o.alignVocab },
      ...{ seed: o.seed, signal, ...(other && { teacherPrompts }) },
      ...scoreOf(o.score, rewards.length > 0 ? sumRewards(rewards) : undefined, heldOut),
    };
    const judge = (c: Contestant): Promise<Judged> => judgeModel(c, judging);
    const before = await judge({ name: 'student before', policy: student.model, params: student.params });
    const progress = new Progress(output, 'gkd');
    using trainer = await inFlags('gimbal gkd', flagsOfOptions, () =>
      distil(options, {
        ...{ steps: o.steps, out: join(run.path, 'training'), signal, note },
        progress: (update) => progress.update(update),
        stopped: (what) => stoppedRun('gkd', run.path, what),
      }),
    );
    const { adapter } = trainer;
    const merged = adapter && lm.mergeLora(student.model.config, student.params, adapter);
    try {
      const params = merged ?? trainer.params;
      const folder = join(run.path, 'model');
      await student.save(folder, params);
      if (adapter) {
        const beside = join(run.path, 'adapter');
        await lm.saveAdapter(beside, student.model.config, adapter, { base: student.path, tokenizer });
      }
      const judged = [
        await judgeModel(
          { name: 'teacher', policy: teacher.model, params: teacher.params },
          // in its own tokens and words
          other
            ? {
                ...{ ...judging, teacherPrompts: undefined, tokenizer: teacher.tokenizer, prompts: teacherPrompts },
                maxNewTokens: Math.min(maxNewTokens, room - longest(teacherPrompts, teacher.tokenizer)),
              }
            : judging,
        ),
        before,
        await judge({ name: 'student', policy: student.model, params }),
      ];
      const file = join(run.path, 'model-q4_0.gguf');
      const small = o.quantize && isDecoder(student) ? student : undefined;
      if (o.quantize && apart)
        note('no 4 bits: a .gguf of ours holds a decoder, and the student is an encoder-decoder');
      if (small) {
        await lm.saveGguf(file, small.model, params, { tokenizer, type: 'Q4_0' });
        const packed = await lm.loadPretrained(file, { weights: 'blocks' });
        const { size } = await stat(file);
        judged.push(await judge({ name: 'student, 4 bits', policy: packed.model, params: packed.params, bytes: size }));
        disposeTree(packed.params);
      }
      const after = judged[2] as Judged;
      progress.done(
        other
          ? `KL(q‖p) ${figure(before.rkl)} → ${figure(after.rkl)} nats a token`
          : `accepted ${percent(before.acceptance)} → ${percent(after.acceptance)} by the teacher`,
      );
      const report = join(run.path, 'report.html');
      const { gkdReport } = await import('./report.ts');
      const scoreName = judging.scoreName;
      const page = await gkdReport({
        ...{ run: run.path, judged, before, after, scoreName, prompts, steps: trainer.step },
        title: `${o.preset}, a student of ${percent(treeBytes(params) / treeBytes(teacher.params))} of its teacher`,
        ...{ seconds: progress.seconds, backend: compute.name },
      });
      await writeFileAtomic(report, page);
      if (!output.json) {
        for (const line of textTable(...compareLines(judged, scoreName))) output.line(line);
        output.line(`report  ${report}`);
        output.line(`model   ${folder}`);
        if (adapter) output.line(`adapter ${join(run.path, 'adapter')}`);
        if (small) output.line(`4 bits  ${file}`);
      }
      await compute.trace(output);
      const models = judged.map(({ completions: _, ...rest }) => rest);
      return {
        json: {
          run: run.path,
          report,
          path: folder,
          steps: trainer.step,
          scoreName: scoreName ?? null,
          models,
          gguf: small ? file : null,
        },
      };
    } finally {
      if (merged) disposeTree(merged);
    }
  } finally {
    if (student) disposeTree(student.params);
    disposeTree(teacher.params);
  }
}

/** Whether two models are read from one place. */
async function isOneFolder(a: string, b: string): Promise<boolean> {
  const [one, two] = await Promise.all([realpath(a), realpath(b)]);
  return one === two;
}

/** Frees a teacher with the block. */
const scopeOf = <T extends { dispose?(): void }>(of: T): { of: T } & Disposable => ({
  of,
  [Symbol.dispose]: () => of.dispose?.(),
});

/** What is refused of prompts that nobody gave says so. */
function ofNewsroom<T>(generated: boolean, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { code, what, wanted } = error as Partial<GimbalError>;
    if (!generated || code !== 'ERR_DATA') throw error;
    const fix = 'Name your rows by --data: what the models were trained on';
    const where = 'gimbal gkd, prompts of the generated newsroom, as --data was not given';
    throw new DataError({ where, what: `${what}`, wanted, fix, cause: error });
  }
}

/** Tokens of the longest. */
const longest = (prompts: readonly string[], tokenizer: Tokenizer): number =>
  Math.max(...promptCodec(tokenizer).encode(prompts).lengths);

/** What is minimised: with another tokenizer what its alignment compares, unless the method fine-tunes. */
function objectiveOf({ alignment, divergence }: GkdFlags, given: Objective = 'fkl'): Objective {
  if (alignment === 'none' || given === 'nll') return given;
  if (alignment === 'hybrid') return divergence === undefined ? { kind: 'jsd', beta: 0.5 } : given;
  if (divergence === undefined) return alignment === 'uld' ? 'uld' : 'sampled-rkl';
  const what =
    alignment === 'uld'
      ? 'sorted probabilities have a distance of their own'
      : 'stretches of text have no distributions';
  throw new ConfigError({
    where: 'gimbal gkd --divergence',
    what: `with --alignment ${alignment} ${what}`,
    fix: 'Leave it out',
  });
}
