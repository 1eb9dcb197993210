// gimbal vec2text evaluate: the four properties of a model with intervals, tables of what it writes, and a page.
import { join } from 'node:path';
import { ConfigError, rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { MeasuredRow, Oracles } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { renderReport } from '../report/render.ts';
import { startCompute } from '../run/compute.ts';
import { modelPath } from '../run/model-path.ts';
import { orNamedRun } from '../run/named-run.ts';
import { withRun } from '../run/run-folder.ts';
import { measureModel, measureParts, sayMeasures } from './measured.ts';
import { namedModel, openModel, refuseOwnKind, runOfModel, thatFit } from './open.ts';
import { usualWorld, type Vec2TextContext } from './options.ts';
import {
  byLength,
  languageAttributes,
  languageOf,
  languageOracles,
  languageRows,
  languageTerms,
  lengthAttributes,
  wordOracles,
  wordPairs,
  wordTerms,
} from './oracles.ts';
import { readSentenceFile, refuseUnknown } from './sentences.ts';
import { qualitativeTables } from './tables.ts';
import { readWordPairs } from './word-pairs.ts';

export async function evaluateModel(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal, given } = context;
  if (namedModel(context) === undefined) await openModel(context, 'evaluate'); // refuses
  return withRun({ command: 'vec2text', options: o, given }, async (run) => {
    const compute = await startCompute(o);
    const { model, path } = await openModel(context, 'evaluate');
    using _ = model;
    if (o.data === undefined && languageOf(model) === null)
      throw new ConfigError({
        where: 'gimbal vec2text evaluate',
        what: 'which sentences? The model was not trained on a generated language',
        got: path,
        fix: 'Give --data, a file of sentences that it was not trained on',
      });
    // the model's own language, unless another is asked for
    const world = o.world ?? languageOf(model) ?? usualWorld;
    const file = o.data === undefined ? undefined : await readSentenceFile(o.data, o.columns);
    const all = file?.rows ?? languageRows(world, o.rows, rng(o.seed));
    const rows: readonly MeasuredRow[] = byLength(thatFit('gimbal vec2text evaluate', all, model, output, 2));
    if (file) await refuseUnknown(rows, file, model);
    const terms = o.data === undefined ? languageTerms : wordTerms;
    const known = rows.flatMap(({ text, paraphrase }) => [text, ...(paraphrase === undefined ? [] : [paraphrase])]);
    const learnt = o.data === undefined ? undefined : await readWordPairs(runOfModel(path));
    if (o.data !== undefined && learnt === undefined)
      output.note('the run kept no pairs of words: those of these sentences stand in for those of training');
    const oracles = (
      o.data === undefined ? languageOracles(world) : wordOracles(learnt ?? wordPairs(known))
    ) as Oracles<unknown>;
    using lm = o.lm === undefined ? undefined : await scorer(o.lm);
    const seen = { seed: o.seed, samples: o.samples, signal, ...(lm && { lm: lm.score }) };
    const evaluation = await measureModel(model, rows, { ...oracles, ...seen }, output);
    if (!output.json) sayMeasures(evaluation, output, terms);
    const texts = rows.map(({ text }) => text);
    const attributes = o.data === undefined ? languageAttributes(world) : lengthAttributes(texts);
    const tables = await qualitativeTables(model, texts, oracles, { seed: o.seed, signal, terms, attributes });
    const report = join(run.path, 'report.html');
    const what = o.data === undefined ? `the generated language (${world})` : o.data;
    const page = renderReport({
      eyebrow: 'gimbal vec2text evaluate',
      title: 'Four properties of a vector space of sentences',
      lead: `${path}, on ${counted(rows.length, 'sentence')} of ${what}.${terms.note === undefined ? '' : ` ${terms.note}`}`,
      figures: [
        {
          kind: 'figures',
          items: [
            { label: terms.same, value: figureOf(evaluation.universality.meaningMatch?.value) },
            { label: 'word for word', value: figureOf(evaluation.universality.exactMatch?.value) },
            {
              label: `${terms.valid}, drawn by chance`,
              value: figureOf(evaluation.fluency['validPrior(gaussian-fit)']?.value),
            },
            {
              label: `${terms.agree} at noise .5`,
              value: figureOf(evaluation.semanticStructure['robustSlots(0.5)']?.value),
            },
          ],
        },
      ],
      sections: [
        { title: 'Measures', parts: measureParts(evaluation, model.stats.rms, terms) },
        { title: 'What it writes', parts: tables },
      ],
      footer: `${run.path}, ${new Date().toISOString()}`,
    });
    await writeFileAtomic(report, page);
    await writeFileAtomic(join(run.path, 'measures.json'), `${JSON.stringify(evaluation, null, 2)}\n`);
    if (!output.json) output.line(`report  ${report}`);
    await compute.trace(output);
    const oracle = terms.note === undefined ? 'grammar' : 'pairs of words';
    return { json: { model: path, rows: rows.length, oracle, report, ...evaluation } };
  });
}

const figureOf = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(3));

/** Mean log-probability of a token under a language model of the user's. */
async function scorer(
  folder: string,
): Promise<Disposable & { score: (texts: readonly string[]) => Promise<number[]> }> {
  const where = 'gimbal vec2text evaluate --lm';
  const named = orNamedRun(folder);
  await refuseOwnKind(named, where);
  const path = await modelPath(named, where);
  const { loadPretrained } = await import('@gimbal/language-models');
  const { disposeTree } = await import('@gimbal/tensor-core');
  const { meanLogProbs } = await import('./likelihood.ts');
  const { model, params, tokenizer } = await loadPretrained(path);
  if (tokenizer === undefined) {
    disposeTree(params);
    throw new ConfigError({ where, what: 'it has no tokenizer', got: folder });
  }
  return {
    score: (texts) => meanLogProbs({ model, params, tokenizer }, texts),
    [Symbol.dispose]: () => disposeTree(params),
  };
}
