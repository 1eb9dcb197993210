// gimbal vec2text train: sentences, their round trips, a model, its measures, a page.
import { join } from 'node:path';
import { ConfigError, readMetrics, type Schedule, StoppedError, schedules, writeFileAtomic } from '@gimbal/tensor-core';
import type { Vec2Text, Vec2TextModule, Vec2TextTrainerOptions } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { startCompute } from '../run/compute.ts';
import { alreadyDone, checkpointIn, stoppedRun, underCosine } from '../run/going-on.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { type Material, ofFile, ofLanguage } from './material.ts';
import { measureModel, sayMeasures } from './measured.ts';
import { needsTrips, objectiveOf, refuseIdle } from './objective.ts';
import { beginningOf, namedModel, openFrom, refuseFew, thatFit } from './open.ts';
import type { Vec2TextContext, Vec2TextFlags } from './options.ts';
import { byLength, languageOf } from './oracles.ts';
import { blockSizes } from './sizes.ts';
import { qualitativeTables } from './tables.ts';
import { trainingPage } from './train-page.ts';
import { writeWordPairs } from './word-pairs.ts';

const where = 'gimbal vec2text train';
/** sentences that a page is measured on, and vectors of each prior, at most */
const measured = 500;
/** held-out sentences that the model must be able to read */
const leastHeld = 2;
/** what a model that training goes on from has of its own */
const ofModel = [
  ...['space', 'controlDim', 'memorySlots', 'width', 'ffn', 'heads', 'layers', 'encoderLayers', 'decoderLayers'],
  ...['maxLength', 'vocabulary', 'world'],
];

export async function trainModel(context: Vec2TextContext): Promise<CommandResult> {
  const { options, given } = context;
  const model = namedModel(context);
  if (model !== undefined) {
    refuseGiven(where, given, ofModel, `${model} has its own, with which training goes on`);
    // named behind the action it is an option too: a run that is resumed asks for it
    context = {
      ...context,
      options: { ...options, model },
      given: new Map([...given, ['model', given.get('model') ?? { raw: model, where: '--model' }]]),
    };
  }
  if (!options.resume) refuseIdle(context);
  const { output } = context;
  const request = {
    ...{ command: 'vec2text', options: context.options, given: context.given },
    note: (text: string) => output.note(text),
    longer: underCosine(stepsOf({ steps: undefined })),
  };
  return withRun(request, (run) => learn(context, run));
}

async function learn(context: Vec2TextContext, run: RunFolder): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run);
  const compute = await startCompute(o);
  const v = await import('@gimbal/vec2text');
  using base = o.model === undefined ? undefined : (await openFrom(o.model, where, output)).model;
  if (base === undefined) checkSizes(o, v);
  const learningRate = scheduleOf(o);
  const ofHeld = `${where} ${o.data === undefined ? '--rows' : '--held-out'}`;
  const enough = (texts: readonly string[]): void => {
    const most = (base?.module.config.maxLength ?? o.maxLength ?? Number.POSITIVE_INFINITY) - 1;
    // a tokenizer that is still to be learnt makes one token or more of a word
    const tokens = (text: string): number => (base ? base.tokenizer.encodeText(text) : text.split(/\s+/)).length;
    const fit = texts.filter((text) => tokens(text) <= most);
    refuseFew(ofHeld, { fit: fit.length, of: texts.length, most, least: leastHeld });
  };
  const material =
    o.data === undefined
      ? ofLanguage(base === undefined ? o : { ...o, world: languageOfBase(base, o.model as string) })
      : await ofFile(o, context, run, enough).catch(goOn(run));
  const { module, tokenizer } = base ?? (await freshModel(o, material));
  const held = thatFit(ofHeld, material.held, { module, tokenizer }, output, leastHeld);
  const out = join(run.path, 'training');
  const options: Vec2TextTrainerOptions = {
    ...{ ...trainerOptions(o, module), learningRate },
    ...{ module, tokenizer, data: material.rows, out, warn: (text: string) => output.note(text) },
    evalData: held.map(({ text, paraphrase }) => ({ source: text, candidates: [paraphrase ?? text] })),
    ...(material.roundTrip && { roundTrip: material.roundTrip }),
    ...(base && { params: base.params }),
  };
  if (material.pairs) await writeWordPairs(run.path, material.pairs);
  using model = await trained(options, o, context, run);
  const path = join(run.path, 'model');
  await v.saveVec2Text(path, model);

  const { oracles, terms, attributes } = material;
  const some = byLength(held.slice(0, measured));
  const samples = Math.min(measured, o.samples);
  const evaluation = await measureModel(model, some, { ...oracles, seed: o.seed, samples, signal }, output);
  if (!output.json) sayMeasures(evaluation, output, terms);
  const texts = some.map(({ text }) => text);
  const page = trainingPage(model, {
    ...{ run: run.path, objective: o.objective, sentences: material.rows.length, evaluation, terms },
    tables: await qualitativeTables(model, texts, oracles, {
      ...{ seed: o.seed, signal, terms, attributes },
      known: material.rows.map(({ source }) => source),
    }),
    metrics: await readMetrics(out),
  });
  const report = join(run.path, 'report.html');
  await writeFileAtomic(report, page);
  if (!output.json) output.line(`report  ${report}`);
  await compute.trace(output);
  return { json: { run: run.path, path, report, steps: stepsOf(o), ...evaluation } };
}

const stepsOf = ({ steps = 5000 }: Pick<Vec2TextFlags, 'steps'>): number => steps;

/** The generated language that a model speaks. @throws ConfigError for a model of other sentences */
function languageOfBase(base: Vec2Text, path: string): Vec2TextFlags['world'] {
  const language = languageOf(base);
  if (language !== null) return language;
  throw new ConfigError({
    where,
    what: 'which sentences? The model was not trained on a generated language',
    got: path,
    fix: 'Give --data, a file of sentences',
  });
}

const sizesOf = (o: Vec2TextFlags) => ({
  ...{ space: o.space, controlDim: o.controlDim, memorySlots: o.memorySlots, variational: o.klCoef > 0 },
  ...blockSizes(o),
});

/** Sizes that do not fit each other are refused before round trips are made: by a model of four tokens, which has no weights. */
function checkSizes(o: Vec2TextFlags, v: typeof import('@gimbal/vec2text')): void {
  v.vec2text({ vocabSize: 4, ...sizesOf(o), ...(o.maxLength !== undefined && { maxLength: o.maxLength }) });
  // of one word a tokenizer is learnt at once
  if (o.data !== undefined) v.textTokenizer(['a'], { vocabularySize: o.vocabulary });
}

/** vec2textSchedule's, unless another warm-up is asked for. */
const scheduleOf = (o: Vec2TextFlags): Schedule =>
  schedules.cosine({
    ...{ peak: o.learningRate, steps: stepsOf(o), final: o.learningRate / 20 },
    warmup: o.warmup ?? Math.min(300, Math.floor(stepsOf(o) / 10)),
  });

/** A model of the sizes that the flags say, and a tokenizer learnt of the material. */
async function freshModel(
  o: Vec2TextFlags,
  { rows, held, words }: Material,
): Promise<Pick<Vec2Text, 'module' | 'tokenizer'>> {
  const v = await import('@gimbal/vec2text');
  const sources = rows.map(({ source }) => source);
  const tokenizer = words ? v.wordTokenizer(words) : v.textTokenizer(sources, { vocabularySize: o.vocabulary });
  // held-out sentences too: training may have none of the longest
  const all = [...sources, ...held.map(({ text }) => text)];
  const longest = all.reduce((most, text) => Math.max(most, tokenizer.encodeText(text).length + 1), 2);
  const module = v.vec2text({
    ...{ vocabSize: tokenizer.size, ...v.specialIds(tokenizer), ...sizesOf(o) },
    maxLength: o.maxLength ?? (words ? 18 : Math.min(64, longest)),
  });
  return { module, tokenizer };
}

/** What the flags say of training. @throws ConfigError for a KL of a model that was not made for one */
function trainerOptions(
  o: Vec2TextFlags,
  module: Vec2TextModule,
): Omit<Vec2TextTrainerOptions, 'module' | 'tokenizer' | 'data'> {
  // own sentences may be few, and learnt by heart
  const evalEvery = o.evalEvery ?? (o.data === undefined ? undefined : Math.ceil(stepsOf(o) / 10));
  if (o.klCoef > 0 && !module.config.variational)
    throw new ConfigError({ where: `${where} --kl-coef`, what: 'the model is not variational', fix: 'Leave it out' });
  return {
    ...{ objective: objectiveOf(o), seed: o.seed, batchSize: o.batchSize, accumulate: o.accumulate },
    ...{ zNoise: o.zNoise, klCoef: o.klCoef, overflow: o.overflow, maxGradNorm: o.maxGradNorm },
    optimizer: { name: o.optimizer, weightDecay: o.weightDecay },
    ...{ evalSamples: o.evalSamples, statsSamples: o.statsSamples },
    ...{ checkpointEvery: Math.max(1, Math.min(500, stepsOf(o))), logEvery: 10 },
    ...(evalEvery !== undefined && { evalEvery }),
  };
}

/** Trains, from the run's last checkpoint where it has one. @throws StoppedError, which says how to go on */
async function trained(
  options: Vec2TextTrainerOptions,
  o: Vec2TextFlags,
  { output, signal }: Vec2TextContext,
  run: RunFolder,
): Promise<Vec2Text> {
  const v = await import('@gimbal/vec2text');
  const [steps, out] = [stepsOf(o), join(run.path, 'training')];
  const begun = await checkpointIn(out, (text) => output.note(text));
  using trainer = begun === undefined ? new v.Vec2TextTrainer(options) : await v.Vec2TextTrainer.resume(out, options);
  if (trainer.step >= steps) output.note(alreadyDone(trainer.step));
  const { rows, where: places } = trainer.overflow;
  if (rows > 0) {
    const row = options.data[Number(/^data row (\d+)/.exec(places[0] ?? '')?.[1] ?? 0)];
    const first = row === undefined ? '' : ` (the first by ${beginningOf(typeof row === 'string' ? row : row.source)})`;
    const lost = needsTrips(o)
      ? counted(rows, 'sentence or round trip', 'sentences or round trips')
      : counted(rows, 'sentence');
    output.note(
      `${lost}${first} longer than ${options.module.config.maxLength - 1} tokens, ${o.overflow === 'cut' ? 'cut there' : 'left out'}: --max-length takes longer ones`,
    );
  }
  const progress = new Progress(output, o.objective);
  const evaluations: { step: number; loss: number }[] = [];
  for await (const { step, loss, tokensPerSecond, evalLoss } of trainer.train({ steps, signal })) {
    progress.update({ step, total: steps, loss, tokensPerSecond });
    if (evalLoss === undefined) continue;
    evaluations.push({ step, loss: evalLoss });
    output.note(`step ${step}: loss ${loss.toFixed(4)}, held-out ${evalLoss.toFixed(4)}`);
  }
  if (trainer.stopReason === 'signal')
    throw stoppedRun('vec2text train', run.path, `stopped after step ${trainer.step} of ${steps}`);
  progress.done(counted(steps, 'update'));
  sayIfByHeart(evaluations, output);
  return await trainer.model();
}

/** Held-out sentences may be read worse and worse while those of training are learnt by heart. */
function sayIfByHeart(evaluations: readonly { step: number; loss: number }[], output: Vec2TextContext['output']): void {
  const last = evaluations.at(-1);
  const best = evaluations.reduce((a, b) => (b.loss < a.loss ? b : a), last ?? { step: 0, loss: 0 });
  if (last === undefined || last.loss <= 1.1 * best.loss) return;
  output.note(
    `held-out sentences were read best after ${counted(best.step, 'update')} (loss ${best.loss.toFixed(2)}, ${last.loss.toFixed(2)} now): the others are learnt by heart. More sentences help, and --steps ${best.step} ends there`,
  );
}

/** Says of a stop before the first step how to go on, as one in training does. */
const goOn =
  (run: RunFolder) =>
  (error: unknown): never => {
    if (error instanceof StoppedError)
      throw stoppedRun(
        'vec2text train',
        run.path,
        'stopped while round trips were made: those that were made are kept',
      );
    throw error;
  };
