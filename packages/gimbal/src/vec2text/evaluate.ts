// gimbal vec2text evaluate: the four properties of a model with intervals, tables of what it writes, and a page.
import { join } from 'node:path';
import { ConfigError, rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { MeasuredRow, Oracles } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { renderReport } from '../report/render.ts';
import { startCompute } from '../run/compute.ts';
import { withRun } from '../run/run-folder.ts';
import { measureModel, measureTables, noiseChart, sayMeasures } from './measured.ts';
import { openModel, readSentences } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { languageOracles, languageRows, wordOracles } from './oracles.ts';
import { qualitativeTables } from './tables.ts';

export async function evaluateModel(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal, given } = context;
  if (context.arguments[1] === undefined) await openModel(context, 'evaluate'); // refuses
  return withRun({ command: 'vec2text', options: o, given }, async (run) => {
    const compute = await startCompute(o);
    const { model, path } = await openModel(context, 'evaluate');
    using _ = model;
    const rows: readonly MeasuredRow[] =
      o.data === undefined ? languageRows(o.world, o.rows, rng(o.seed)) : await readSentences(o.data);
    const known = rows.flatMap(({ text, paraphrase }) => [text, ...(paraphrase === undefined ? [] : [paraphrase])]);
    const oracles = (o.data === undefined ? languageOracles(o.world) : wordOracles(known)) as Oracles<unknown>;
    const lm = o.lm === undefined ? undefined : await scorer(o.lm);
    const seen = { seed: o.seed, samples: o.samples, signal, ...(lm && { lm: lm.score }) };
    const evaluation = await measureModel(model, rows, { ...oracles, ...seen }, output);
    lm?.dispose();
    if (!output.json) sayMeasures(evaluation, output);
    const tables = await qualitativeTables(
      model,
      rows.map(({ text }) => text),
      oracles,
      { seed: o.seed, signal },
    );
    const report = join(run.path, 'report.html');
    const what = o.data === undefined ? `the generated language (${o.world})` : o.data;
    const page = renderReport({
      eyebrow: 'gimbal vec2text evaluate',
      title: 'Four properties of a vector space of sentences',
      lead: `${path}, on ${counted(rows.length, 'sentence')} of ${what}.${o.data === undefined ? '' : ' Nothing is known of these but their words: a text counts as valid where its pairs of words occur in them, and agreement is the F1 of words.'}`,
      figures: [
        {
          kind: 'figures',
          items: [
            { label: 'meaning kept', value: figureOf(evaluation.universality.meaningMatch?.value) },
            { label: 'word for word', value: figureOf(evaluation.universality.exactMatch?.value) },
            { label: 'valid by chance', value: figureOf(evaluation.fluency['validPrior(gaussian-fit)']?.value) },
            { label: 'slots at noise .5', value: figureOf(evaluation.semanticStructure['robustSlots(0.5)']?.value) },
          ],
        },
      ],
      sections: [
        { title: 'Measures', parts: [noiseChart(evaluation, model.stats.rms), ...measureTables(evaluation)] },
        { title: 'What it writes', parts: tables },
      ],
      footer: `${run.path}, ${new Date().toISOString()}`,
    });
    await writeFileAtomic(report, page);
    await writeFileAtomic(join(run.path, 'measures.json'), `${JSON.stringify(evaluation, null, 2)}\n`);
    if (!output.json) output.line(`report  ${report}`);
    await compute.trace(output);
    return { json: { model: path, rows: rows.length, report, ...evaluation } };
  });
}

const figureOf = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(3));

/** Mean log-probability of a token under a language model of the user's. */
async function scorer(
  folder: string,
): Promise<{ score: (texts: readonly string[]) => Promise<number[]>; dispose(): void }> {
  const { loadPretrained } = await import('@gimbal/language-models');
  const { disposeTree } = await import('@gimbal/tensor-core');
  const { meanLogProbs } = await import('./likelihood.ts');
  const { model, params, tokenizer } = await loadPretrained(folder);
  if (tokenizer === undefined)
    throw new ConfigError({ where: 'gimbal vec2text evaluate --lm', what: 'it has no tokenizer', got: folder });
  return {
    score: (texts) => meanLogProbs({ model, params, tokenizer }, texts),
    dispose: () => disposeTree(params),
  };
}
