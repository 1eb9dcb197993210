// gimbal vec2text invert: text from another model's vectors. Trains both stages on the user's sentences, then inverts
// sentences that training did not see, and shows each correction.
import { join } from 'node:path';
import { ConfigError, rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { Inverter, InverterTrainer, Scored } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { metricChart } from '../report/metric-chart.ts';
import { renderReport } from '../report/render.ts';
import { startCompute } from '../run/compute.ts';
import { checkpointIn, stoppedRun } from '../run/going-on.ts';
import { optionsOfRun, withRun } from '../run/run-folder.ts';
import { openEmbedder } from './embedder.ts';
import { readSentences } from './open.ts';
import type { Vec2TextContext, Vec2TextFlags } from './options.ts';

/** sentences that are inverted in the end */
const shown = 500;

export async function invertTexts(context: Vec2TextContext): Promise<CommandResult> {
  const where = 'gimbal vec2text invert';
  if (!context.options.resume) {
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
        wanted: 'a .txt or .jsonl',
      });
  }
  return withRun({ command: 'vec2text', options: context.options, given: context.given }, async (run) => {
    const { output, signal } = context;
    const o = optionsOfRun(context.options, run);
    const compute = await startCompute(o);
    const v = await import('@gimbal/vec2text');
    const { readMetrics, schedules } = await import('@gimbal/tensor-core');
    const texts = [...new Set((await readSentences(o.data as string)).map(({ text }) => text))];
    const order = rng(o.seed).split('split').shuffle(texts);
    const count = Math.min(shown, Math.max(1, Math.floor(order.length / 10)));
    const [held, train] = [order.slice(0, count), order.slice(count)];
    if (train.length === 0)
      throw new ConfigError({ where, what: 'too few sentences', got: texts.length, wanted: 'at least two' });
    output.note(`${counted(train.length, 'sentence')} to learn from, ${held.length} to invert`);
    const { embedder, own, close } = await openEmbedder(o.embedder as string, context);
    try {
      const steps = o.steps ?? 5000;
      const tokenizer = own?.tokenizer ?? v.textTokenizer(train, { vocabularySize: o.vocabulary });
      const longest = train.reduce((most, text) => Math.max(most, tokenizer.encodeText(text).length + 1), 2);
      const common = {
        ...{ embedder, texts: train, batchSize: o.batchSize, seed: o.seed, checkpointEvery: 500, logEvery: 10 },
      };
      const guesses = { draws: o.guesses, noise: o.guessNoise, temperature: o.guessTemperature };
      const config = {
        ...{ width: o.width, ffn: 2 * o.width, encoderLayers: o.layers, decoderLayers: o.layers },
        ...{
          maxLength: o.maxLength ?? own?.module.config.maxLength ?? Math.min(64, longest),
          ...v.specialIds(tokenizer),
        },
        embeddingTokens: o.embeddingTokens,
      };
      const curves: Record<string, string> = {};
      const stage = async (name: 'hypothesizer' | 'corrector', from?: Inverter): Promise<InverterTrainer> => {
        const out = join(run.path, name);
        const updates = from === undefined ? steps : (o.correctorSteps ?? steps);
        const learningRate = schedules.cosine({
          ...{ peak: o.learningRate, steps: updates, final: o.learningRate / 20 },
          warmup: Math.max(1, Math.round(updates / 20)),
        });
        if (from)
          output.note(
            `${counted(train.length * o.guesses, 'guess', 'guesses')} are made and embedded for the corrector`,
          );
        const learns = from ? { from, guesses } : { tokenizer, config };
        const options = { ...common, ...learns, learningRate, stage: name, out };
        const begun = await checkpointIn(out, (text) => output.note(text));
        const trainer =
          begun === undefined ? new v.InverterTrainer(options) : await v.InverterTrainer.resume(out, options);
        try {
          await follow(trainer, name, updates, run.path, context);
        } catch (error) {
          trainer.dispose();
          throw error;
        }
        curves[name] = out;
        return trainer;
      };
      using first = await stage('hypothesizer');
      using second =
        o.corrections > 0 ? await stage('corrector', first.inverter).catch(nothingToCorrect(output)) : undefined;
      const inverter = (second ?? first).inverter;
      const corrections = second === undefined ? 0 : o.corrections;
      const found = await inverted(inverter, held, { corrections, beams: o.beams }, signal);
      if (!output.json)
        for (const { step, beams, cosine, exact, f1, bleu } of found.steps)
          output.line(
            `step ${step}, ${beams} kept: cosine ${cosine.toFixed(3)}, exact ${exact.toFixed(3)}, token F1 ${f1.toFixed(3)}, BLEU ${bleu.toFixed(1)}`,
          );
      const report = join(run.path, 'report.html');
      const charts = [];
      for (const [name, folder] of Object.entries(curves))
        charts.push(
          metricChart(await readMetrics(folder), `Loss of the ${name}`, 'nats a token', { 'in training': 'loss' }),
        );
      const page = renderReport({
        eyebrow: 'gimbal vec2text invert',
        title: `Text from the vectors of ${embedder.name}`,
        lead: `${counted(held.length, 'sentence')} that training did not see, ${counted(corrections, 'correction')}, ${o.beams} kept at a time.`,
        figures: [],
        sections: [
          {
            title: 'By correction',
            parts: [
              {
                kind: 'table',
                title: 'What corrections gain',
                head: ['step', 'kept at a time', 'cosine', 'exact match', 'token F1', 'BLEU'],
                rows: found.steps.map((s) => [
                  String(s.step),
                  String(s.beams),
                  s.cosine.toFixed(4),
                  s.exact.toFixed(3),
                  s.f1.toFixed(3),
                  s.bleu.toFixed(1),
                ]),
              },
              {
                kind: 'table',
                title: 'Some sentences',
                head: ['sentence', 'first text', 'best text'],
                rows: held
                  .slice(0, 20)
                  .map((text, i) => [
                    text,
                    { text: found.first[i]?.text as string, detail: found.first[i]?.cosine.toFixed(3) as string },
                    { text: found.best[i]?.text as string, detail: found.best[i]?.cosine.toFixed(3) as string },
                  ]),
              },
            ],
          },
          { title: 'Training', parts: charts.filter(({ series }) => series.length > 0) },
        ],
        footer: `${run.path}, ${new Date().toISOString()}`,
      });
      await writeFileAtomic(report, page);
      await v.saveInverter(join(run.path, 'model'), inverter);
      if (!output.json) output.line(`report  ${report}`);
      await compute.trace(output);
      return { json: { run: run.path, report, embedder: embedder.name, steps: found.steps } };
    } finally {
      close();
    }
  });
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

interface Found {
  steps: { step: number; beams: number; cosine: number; exact: number; f1: number; bleu: number }[];
  first: readonly Scored[];
  best: readonly Scored[];
}

/** Inverts the vectors of sentences, and compares at each step: with one text kept at a time, and with as many as asked. */
async function inverted(
  inverter: Inverter,
  texts: readonly string[],
  o: Pick<Vec2TextFlags, 'corrections' | 'beams'>,
  signal: AbortSignal,
): Promise<Found> {
  const { invertSteps, tokenF1 } = await import('@gimbal/vec2text');
  const { corpusBleu } = await import('@gimbal/language-models');
  const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
  const wanted = texts.map((text) => text.trim());
  const vectors = await inverter.embedder.embed([...texts], { signal });
  const found: Found = { steps: [], first: [], best: [] };
  // without corrections there is one text, however many are kept
  for (const beams of new Set([1, o.corrections > 0 ? o.beams : 1])) {
    let step = 0;
    for await (const rows of invertSteps(inverter, vectors, { steps: o.corrections, beams, signal })) {
      const best = rows.map((row) => row.best);
      const decoded = best.map(({ text }) => text.trim());
      if (step === 0) found.first = best;
      found.best = best;
      // the first text is the same however many are kept
      if (step > 0 || beams === 1)
        found.steps.push({
          ...{ step, beams, cosine: mean(best.map(({ cosine }) => cosine)) },
          exact: mean(decoded.map((text, i) => Number(text === wanted[i]))),
          f1: mean(decoded.map((text, i) => tokenF1(text, wanted[i] as string))),
          bleu: corpusBleu(decoded, wanted),
        });
      step++;
    }
  }
  return found;
}
