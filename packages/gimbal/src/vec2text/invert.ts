// gimbal vec2text invert: text from another model's vectors. Trains both stages on the user's sentences, then inverts
// sentences that training did not see, and shows each correction.
import { join } from 'node:path';
import { ConfigError, rng, schedules, writeFileAtomic } from '@gimbal/tensor-core';
import type { Inverter, InverterTrainer, InverterTrainerOptions } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { startCompute } from '../run/compute.ts';
import { checkpointIn, stoppedRun } from '../run/going-on.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { type OpenEmbedder, openEmbedder } from './embedder.ts';
import { inverted } from './inversions.ts';
import { inverterPage } from './invert-page.ts';
import type { Vec2TextContext, Vec2TextFlags } from './options.ts';
import { readSentences, repeatedRows } from './sentences.ts';
import { blockSizes, refuseIdleLayers } from './sizes.ts';

const where = 'gimbal vec2text invert';
/** sentences that are inverted in the end */
const shown = 500;

export async function invertTexts(context: Vec2TextContext): Promise<CommandResult> {
  if (!context.options.resume) {
    refuseIdleLayers(where, context);
    if (context.options.embedder === undefined)
      throw new ConfigError({
        where: `${where} --embedder`,
        what: 'whose vectors?',
        fix: 'For example --embedder sentence-transformers/all-MiniLM-L6-v2',
      });
    if (context.options.data === undefined)
      throw new ConfigError({
        where: `${where} --data`,
        what: 'no sentences to learn from',
        wanted: 'a .txt, .jsonl, .csv or .parquet',
      });
  }
  return withRun({ command: 'vec2text', options: context.options, given: context.given }, (run) => learn(context, run));
}

async function learn(context: Vec2TextContext, run: RunFolder): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run);
  const compute = await startCompute(o);
  const v = await import('@gimbal/vec2text');
  const { train, held } = await sentencesOf(o, context);
  const { embedder, own, close } = await openEmbedder(o.embedder as string, context);
  try {
    const curves: Record<string, string> = {};
    const stage = stagesOf(o, { train, embedder, curves, ...(own && { own }) }, context, run);
    using first = await stage('hypothesizer');
    using second =
      o.corrections > 0 ? await stage('corrector', first.inverter).catch(nothingToCorrect(output)) : undefined;
    const inverter = (second ?? first).inverter;
    const corrections = second === undefined ? 0 : o.corrections;
    // first: what comes after may be refused, for its --beams say
    await v.saveInverter(join(run.path, 'model'), inverter);
    const found = await inverted(inverter, held, { ...o, corrections }, signal, output);
    if (!output.json)
      for (const { step, beams, cosine, exact, f1, bleu } of found.steps)
        output.line(
          `step ${step}, ${beams} kept: cosine ${cosine.toFixed(3)}, exact ${exact.toFixed(3)}, token F1 ${f1.toFixed(3)}, BLEU ${bleu.toFixed(3)}`,
        );
    const report = join(run.path, 'report.html');
    const page = { run: run.path, embedder: embedder.name, held, corrections, beams: o.beams, found, curves };
    await writeFileAtomic(report, await inverterPage(page));
    if (!output.json) output.line(`report  ${report}`);
    await compute.trace(output);
    return { json: { run: run.path, report, embedder: embedder.name, steps: found.steps } };
  } finally {
    close();
  }
}

/** Sentences to learn from, and some to invert. @throws ConfigError for fewer than two */
async function sentencesOf(
  o: Vec2TextFlags,
  { output }: Vec2TextContext,
): Promise<{ train: string[]; held: string[] }> {
  const rows = await readSentences(o.data as string, o.columns);
  const texts = [...new Set(rows.map(({ text }) => text))];
  const order = rng(o.seed).split('split').shuffle(texts);
  const count = Math.min(shown, Math.max(1, Math.floor(order.length / 10)));
  const [held, train] = [order.slice(0, count), order.slice(count)];
  if (train.length === 0)
    throw new ConfigError({
      where: `${where} --data`,
      what: 'too few different sentences',
      got: texts.length,
      wanted: '2 or more: one is held out to be inverted',
      fix: 'Give more sentences',
    });
  const told = `${counted(train.length, 'sentence')} to learn from, ${held.length} to invert`;
  output.note(`${told}${repeatedRows(rows.length, texts.length)}`);
  return { train, held };
}

type Stage = (name: 'hypothesizer' | 'corrector', from?: Inverter) => Promise<InverterTrainer>;

/** Trains a stage into the run's folder, from its last checkpoint where it has one; `curves` gets the folder of its metrics. */
function stagesOf(
  o: Vec2TextFlags,
  {
    train,
    embedder,
    own,
    curves,
  }: Pick<OpenEmbedder, 'embedder' | 'own'> & { train: string[]; curves: Record<string, string> },
  context: Vec2TextContext,
  run: RunFolder,
): Stage {
  const { output } = context;
  const steps = o.steps ?? 5000;
  return async (name, from) => {
    const v = await import('@gimbal/vec2text');
    const out = join(run.path, name);
    const updates = from === undefined ? steps : (o.correctorSteps ?? steps);
    const learningRate = schedules.cosine({
      ...{ peak: o.learningRate, steps: updates, final: o.learningRate / 20 },
      warmup: Math.max(1, Math.round(updates / 20)),
    });
    const guessing = new Progress(output, 'guesses');
    const guesses = { draws: o.guesses, noise: o.guessNoise, temperature: o.guessTemperature };
    const onGuesses = (step: number, total: number): void => {
      guessing.update({ step, total });
      if (step === total)
        guessing.done(
          `${counted(total, 'guess', 'guesses')} made; equal ones are embedded once, known sentences are already`,
        );
    };
    const options: InverterTrainerOptions = {
      ...{ embedder, texts: train, batchSize: o.batchSize, seed: o.seed, checkpointEvery: 500, logEvery: 10 },
      ...(from ? { from, guesses, onGuesses } : await freshStage(o, train, own)),
      ...{ dropout: o.dropout, learningRate, stage: name, out },
    };
    const begun = await checkpointIn(out, (text) => output.note(text));
    const trainer = begun === undefined ? new v.InverterTrainer(options) : await v.InverterTrainer.resume(out, options);
    // a corrector that is done needs none
    if (from && trainer.step < updates)
      output.note(`${counted(train.length * o.guesses, 'guess', 'guesses')} are made for the corrector`);
    try {
      await follow(trainer, name, updates, run.path, context);
    } catch (error) {
      trainer.dispose();
      throw error;
    }
    curves[name] = out;
    return trainer;
  };
}

/** Tokenizer and sizes of a first stage: with an embedder that writes words of its own, in those. */
async function freshStage(
  o: Vec2TextFlags,
  train: readonly string[],
  own: OpenEmbedder['own'],
): Promise<Pick<InverterTrainerOptions, 'tokenizer' | 'config'>> {
  const v = await import('@gimbal/vec2text');
  const tokenizer = own?.tokenizer ?? v.textTokenizer(train, { vocabularySize: o.vocabulary });
  const longest = train.reduce((most, text) => Math.max(most, tokenizer.encodeText(text).length + 1), 2);
  const config = {
    ...blockSizes(o),
    ...{ maxLength: o.maxLength ?? own?.module.config.maxLength ?? Math.min(64, longest), ...v.specialIds(tokenizer) },
    embeddingTokens: o.embeddingTokens,
  };
  return { tokenizer, config };
}

/** A first stage that recovers every text of training leaves nothing to learn from: it is an inverter by itself. */
const nothingToCorrect =
  (output: Vec2TextContext['output']) =>
  (error: unknown): undefined => {
    if ((error as { reason?: string }).reason !== 'NO_DATA') throw error;
    output.note(
      'the first stage recovers every sentence of training: there is no corrector to train, it is saved alone',
    );
  };

async function follow(
  trainer: InverterTrainer,
  name: string,
  steps: number,
  path: string,
  { output, signal }: Vec2TextContext,
): Promise<void> {
  const progress = new Progress(output, name);
  let loss = Number.NaN;
  for await (const step of trainer.train({ steps, signal })) {
    loss = step.loss;
    progress.update({ step: step.step, total: steps, loss, tokensPerSecond: step.tokensPerSecond });
  }
  if (trainer.stopReason === 'signal')
    throw stoppedRun('vec2text invert', path, `stopped at step ${trainer.step} of the ${name}`);
  progress.done(Number.isNaN(loss) ? 'was done' : `loss ${loss.toFixed(3)}`);
}
