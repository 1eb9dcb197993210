// gimbal vec2text train: sentences, their round trips, a model, its measures, a page.
import { join } from 'node:path';
import {
  ConfigError,
  DataError,
  type Params,
  readMetrics,
  rng,
  StoppedError,
  writeFileAtomic,
} from '@gimbal/tensor-core';
import type { MeasuredRow, Objective, Oracles, Pivot, TelegraphPivot, TrainingRow, Translator } from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { heldOutOf } from '../options/held-out.ts';
import { metricChart } from '../report/metric-chart.ts';
import { renderReport } from '../report/render.ts';
import { startCompute } from '../run/compute.ts';
import { checkpointIn, stoppedRun } from '../run/going-on.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { lengthCharts, measureModel, measureTables, noiseChart, sayMeasures } from './measured.ts';
import { readSentences, type SentenceRow, thatFit } from './open.ts';
import type { Vec2TextContext, Vec2TextFlags } from './options.ts';
import {
  type Attributes,
  byLength,
  languageAttributes,
  languageOracles,
  languageRows,
  languageTerms,
  lengthAttributes,
  type Terms,
  wordOracles,
  wordTerms,
} from './oracles.ts';
import { readPairs, withoutHeld } from './pairs.ts';
import { qualitativeTables } from './tables.ts';

/** sentences that a page is measured on, and vectors of each prior, at most */
const measured = 500;

export async function trainModel(context: Vec2TextContext): Promise<CommandResult> {
  return withRun({ command: 'vec2text', options: context.options, given: context.given }, (run) => learn(context, run));
}

/** What is learnt from, and what is asked of the model. */
interface Material {
  rows: TrainingRow[];
  held: MeasuredRow[];
  oracles: Oracles<unknown>;
  /** what the page calls what they find */
  terms: Terms;
  attributes: Attributes;
  roundTrip?: (source: string, stream: ReturnType<typeof rng>) => string;
  /** its words, where they are all known; else a tokenizer is learnt */
  words?: readonly string[];
}

async function learn(context: Vec2TextContext, run: RunFolder): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run);
  const compute = await startCompute(o);
  const v = await import('@gimbal/vec2text');
  const steps = o.steps ?? 5000;
  const material = o.data === undefined ? ofLanguage(o) : await ofFile(o, context, run).catch(goOn(run));
  const { rows, oracles, terms, attributes } = material;
  const tokenizer = material.words
    ? v.wordTokenizer(material.words)
    : v.textTokenizer(
        rows.map(({ source }) => source),
        { vocabularySize: o.vocabulary },
      );
  // held-out sentences too: training may have none of the longest
  const all = [...rows.map(({ source }) => source), ...material.held.map(({ text }) => text)];
  const longest = all.reduce((most, text) => Math.max(most, tokenizer.encodeText(text).length + 1), 2);
  const module = v.vec2text({
    ...{ vocabSize: tokenizer.size, ...v.specialIds(tokenizer), space: o.space, controlDim: o.controlDim },
    variational: o.klCoef > 0,
    ...{ width: o.width, ffn: 2 * o.width, encoderLayers: o.layers, decoderLayers: o.layers },
    maxLength: o.maxLength ?? (material.words ? 18 : Math.min(64, longest)),
  });
  const held = thatFit('gimbal vec2text train --held-out', material.held, { module, tokenizer }, output, 2);
  const out = join(run.path, 'training');
  const options = {
    ...{ module, tokenizer, data: rows, objective: objectiveOf(o), seed: o.seed, out },
    ...{ batchSize: o.batchSize, learningRate: v.vec2textSchedule(steps, o.learningRate) },
    ...{ zNoise: o.zNoise, klCoef: o.klCoef, overflow: o.overflow },
    ...{ checkpointEvery: Math.max(1, Math.min(500, steps)), logEvery: 10, warn: (text: string) => output.note(text) },
    evalData: held.map(({ text }, i) => ({ source: text, candidates: [held[i]?.paraphrase ?? text] })),
    ...(o.evalEvery !== undefined && { evalEvery: o.evalEvery }),
    ...(material.roundTrip && { roundTrip: material.roundTrip }),
  };
  const begun = await checkpointIn(out, (text) => output.note(text));
  using trainer = begun === undefined ? new v.Vec2TextTrainer(options) : await v.Vec2TextTrainer.resume(out, options);
  if (trainer.overflow.rows > 0)
    output.note(
      `${needsTrips(o) ? counted(trainer.overflow.rows, 'sentence or round trip', 'sentences or round trips') : counted(trainer.overflow.rows, 'sentence')} longer than ${module.config.maxLength - 1} tokens, ${o.overflow === 'cut' ? 'cut there' : 'left out'}: --max-length takes longer ones`,
    );
  const progress = new Progress(output, o.objective);
  for await (const { step, loss, tokensPerSecond } of trainer.train({ steps, signal }))
    progress.update({ step, total: steps, loss, tokensPerSecond });
  if (trainer.stopReason === 'signal')
    throw stoppedRun('vec2text train', run.path, `stopped after step ${trainer.step} of ${steps}`);
  progress.done(counted(steps, 'update'));
  using model = await trainer.model();
  const path = join(run.path, 'model');
  await v.saveVec2Text(path, model);

  const some = byLength(held.slice(0, measured));
  const samples = Math.min(measured, o.samples);
  const evaluation = await measureModel(model, some, { ...oracles, seed: o.seed, samples, signal }, output);
  if (!output.json) sayMeasures(evaluation, output, terms);
  const texts = some.map(({ text }) => text);
  const report = join(run.path, 'report.html');
  const metrics = await readMetrics(out);
  const page = renderReport({
    eyebrow: 'gimbal vec2text train',
    title: `A vector space of ${counted(rows.length, 'sentence')}`,
    lead: `${leads[o.objective]} ${module.space.dim} coordinates, space ${module.space.kind}.${terms.note === undefined ? '' : ` ${terms.note}`}`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: terms.same, value: (evaluation.universality.meaningMatch?.value ?? 0).toFixed(3) },
          { label: 'word for word', value: (evaluation.universality.exactMatch?.value ?? 0).toFixed(3) },
          {
            label: `${terms.valid}, drawn by chance`,
            value: (evaluation.fluency['validPrior(gaussian-fit)']?.value ?? 0).toFixed(3),
          },
        ],
      },
    ],
    sections: [
      {
        title: 'What it writes',
        parts: await qualitativeTables(model, texts, oracles, { seed: o.seed, signal, terms, attributes }),
      },
      {
        title: 'Measures',
        parts: [
          ...lengthCharts(evaluation, terms),
          noiseChart(evaluation, model.stats.rms, terms),
          ...measureTables(evaluation),
        ],
      },
      {
        title: 'Learning',
        parts: [metricChart(metrics, 'Loss', 'nats a token', { 'in training': 'loss', 'held out': 'evalLoss' })].filter(
          ({ series }) => series.length > 0,
        ),
      },
    ],
    footer: `${run.path}, ${new Date().toISOString()}`,
  });
  await writeFileAtomic(report, page);
  if (!output.json) output.line(`report  ${report}`);
  await compute.trace(output);
  return { json: { run: run.path, path, report, steps: trainer.step, ...evaluation } };
}

/** Says of a stop before the first step how to go on, as one in training does. */
const goOn =
  (run: RunFolder) =>
  (error: unknown): never => {
    if (error instanceof StoppedError)
      throw stoppedRun('vec2text train', run.path, 'stopped while round trips were made');
    throw error;
  };

const leads: Readonly<Record<Vec2TextFlags['objective'], string>> = {
  ae: 'Trained to give back the sentence it reads.',
  dae: 'Trained to give back a sentence of which it reads a noisy copy.',
  rtt: 'Trained to give back a sentence of which it reads the round trip.',
  'rtt-reverse': 'Trained to write the round trip of the sentence it reads.',
  mix: 'Trained to give back a sentence of which it reads the round trip, or the sentence itself.',
};

function objectiveOf(o: Vec2TextFlags): Objective {
  if (o.objective === 'dae') {
    const { drop, blank, substitute, shuffle } = o;
    return { kind: 'dae', noise: { drop, blank, substitute, shuffle } };
  }
  if (o.objective === 'mix') return { kind: 'mix', weights: { ae: 1 - o.mixRtt, rtt: o.mixRtt } };
  return { kind: o.objective };
}

/** Sentences of the generated language; round trips through its lossless pivot are drawn anew at every step. */
function ofLanguage(o: Vec2TextFlags): Material {
  const idle = (['pairs', 'translators'] as const).find((name) => o[name] !== undefined);
  if (idle !== undefined)
    throw new ConfigError({
      where: `gimbal vec2text train --${idle}`,
      what: 'it is for sentences of yours, and none are given',
      wanted: '--data, a .txt or .jsonl, of which some are held out',
    });
  const { aish, bex } = toyLanguages({ preset: o.world });
  const held = languageRows(o.world, o.rows, rng(o.seed));
  const texts = aish.sentences(o.sentences, rng(o.seed).split('training'), { except: held.map(({ text }) => text) });
  return {
    rows: texts.map((source) => ({ source })),
    held,
    oracles: languageOracles(o.world) as Oracles<unknown>,
    terms: languageTerms,
    attributes: languageAttributes(o.world),
    words: aish.words,
    ...(needsTrips(o) && { roundTrip: (source, stream) => bex.roundTrip(source, stream).text }),
  };
}

const needsTrips = (o: Vec2TextFlags): boolean => o.objective !== 'ae' && o.objective !== 'dae';

/** The user's sentences, with round trips that are given, made by translators, or made by the telegraph style. */
async function ofFile(o: Vec2TextFlags, context: Vec2TextContext, run: RunFolder): Promise<Material> {
  const { output } = context;
  const read = await readSentences(o.data as string);
  const unique = [...new Map(read.map((row) => [row.text, row])).values()];
  const share = heldOutOf(
    'vec2text train',
    o.heldOut ??
      Math.max(2, Math.round(Math.min(1000, Math.max(unique.length / 50, Math.min(20, unique.length / 10))))),
    unique.length,
  );
  const count = share < 1 ? Math.max(2, Math.round(share * unique.length)) : share;
  if (unique.length - count < 2)
    throw new DataError({
      where: 'gimbal vec2text train --data',
      what: 'too few different sentences',
      got: unique.length,
      wanted: `more than ${count + 2}`,
    });
  const order = rng(o.seed).split('held out').shuffle(unique);
  const [held, train] = [order.slice(0, count), order.slice(count)];
  output.note(`${counted(train.length, 'sentence')}, ${held.length} held out`);
  const rows = needsTrips(o)
    ? await withTrips(o, { train, held }, context, run)
    : train.map(({ text }) => ({ source: text }));
  const oracles = wordOracles(unique.map(({ text }) => text)) as Oracles<unknown>;
  const attributes = lengthAttributes(held.map(({ text }) => text));
  return { rows, held, oracles, terms: wordTerms, attributes };
}

async function withTrips(
  o: Vec2TextFlags,
  { train, held }: Record<'train' | 'held', readonly SentenceRow[]>,
  { output, signal }: Vec2TextContext,
  run: RunFolder,
): Promise<TrainingRow[]> {
  const v = await import('@gimbal/vec2text');
  if (o.pairs !== undefined) return v.gatherRoundTrips(withoutHeld(await readPairs(o.pairs), held, o.pairs));
  const given = train.filter(({ rtt }) => rtt !== undefined).length;
  if (given > 0 && given < train.length)
    throw new DataError({
      where: o.data as string,
      what: 'some rows have a round trip and others have none',
      got: `${given} of ${train.length} with rtt`,
      wanted: 'rtt in every row, or in none',
    });
  if (given > 0) return train.map(({ text, rtt }) => ({ source: text, candidates: [rtt as string] }));
  const texts = train.map(({ text }) => text);
  const { pivot, close } = await pivotOf(o, texts, output, signal);
  const cache = v.roundTripFile(join(run.path, 'round-trips.jsonl'));
  const build = v.buildRoundTrips(texts, {
    pivots: [pivot],
    tripsPerPivot: 2,
    temperature: 1,
    minSimilarity: o.minSimilarity,
    dropIdentical: o.dropIdentical,
    seed: o.seed,
    cache,
    signal,
  });
  const progress = new Progress(output, 'round trips');
  const trips: { source: string; rtt: string }[] = [];
  try {
    for (;;) {
      const next = await build.next();
      if (next.done) {
        for (const [name, { identicalShare, meanEdits, droppedShare }] of Object.entries(next.value.pivots))
          progress.done(
            `${name}: ${(100 * identicalShare).toFixed(0)} % come back as they were, ${meanEdits.toFixed(1)} words differ, ${(100 * droppedShare).toFixed(0)} % left out`,
          );
        break;
      }
      trips.push(next.value);
      progress.update({ step: trips.length, total: 2 * texts.length });
    }
  } finally {
    close();
  }
  return v.gatherRoundTrips(trips);
}

/** The user's translators, or the telegraph style, of which the run says that it stands in for them. */
async function pivotOf(
  o: Vec2TextFlags,
  texts: readonly string[],
  output: Vec2TextContext['output'],
  signal: AbortSignal,
): Promise<{ pivot: Pivot; close(): void }> {
  const v = await import('@gimbal/vec2text');
  if (o.translators === undefined) {
    output.note(
      'no --translators: round trips go through a telegraph style, without function words, learnt from these sentences',
    );
    // learnt when the first batch needs it: where all batches are in the run's folder, there is nothing to learn
    let learnt: TelegraphPivot | undefined;
    const learnTelegraph = async (): Promise<TelegraphPivot> => {
      const steps = Math.min(3000, o.steps ?? 5000);
      const progress = new Progress(output, 'telegraph');
      const onStep = ({ step, loss }: { step: number; loss: number }): void =>
        progress.update({ step, total: steps, loss });
      const pivot = await v.telegraphPivot(texts, { seed: o.seed, steps, signal, onStep });
      if (!signal.aborted) progress.done(counted(steps, 'update'));
      return pivot;
    };
    const back: Translator['translate'] = async (batch, how) => {
      learnt ??= await learnTelegraph();
      if (signal.aborted)
        throw new StoppedError({
          where: 'gimbal vec2text train',
          what: 'stopped while the telegraph style was learnt',
        });
      return learnt.back.translate(batch, how);
    };
    return {
      pivot: { name: 'telegraph', forward: v.telegraph(), back: { name: 'telegraph-back', translate: back } },
      close: () => learnt?.[Symbol.dispose](),
    };
  }
  const { loadSeq2Seq } = await import('@gimbal/language-models');
  const { disposeTree } = await import('@gimbal/tensor-core');
  const opened: { translator: Translator; params: Params }[] = [];
  const where = 'gimbal vec2text train --translators';
  for (const [i, folder] of o.translators.entries()) {
    const { model, params, tokenizer } = await loadSeq2Seq(await modelPath(folder, where, hubOptions(output, signal)));
    if (tokenizer === undefined) throw new DataError({ where, what: 'it has no tokenizer', got: folder });
    const prefix = o.translatorPrefixes?.[i] ?? '';
    opened.push({ translator: v.seq2seqTranslator({ name: folder, model, params, tokenizer, prefix }), params });
  }
  const [there, back] = opened as [(typeof opened)[number], (typeof opened)[number]];
  return {
    pivot: { name: 'translators', forward: there.translator, back: back.translator },
    close: () =>
      opened.forEach(({ params }) => {
        disposeTree(params);
      }),
  };
}
