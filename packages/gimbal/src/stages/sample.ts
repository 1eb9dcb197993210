// What each version of the model writes, side by side.

import { z } from 'zod';
import { counted } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import { stage as data } from './data.ts';
import { type Scorer, scorerFor } from './internal/scoring.ts';
import { storedRows } from './internal/stored-rows.ts';
import { modelVersions } from './internal/versions.ts';
import { fitsContext, writeCompletions } from './internal/write-completions.ts';

export interface SampleResult {
  /** a prompt to try, for the report's commands */
  prompt: string;
  samples: { prompt: string; reference: string; versions: { name: string; text: string }[] }[];
}

const options = z.object({
  count: z.int().min(1).default(6).describe('prompts to write completions for'),
  temperature: z.number().min(0).default(0).describe('of the samples in the report; 0 is greedy'),
  maxNewTokens: z.int().min(1).default(160).describe('most tokens of a sample'),
});

/** of a plain text, what is given as the prompt */
const promptShare = 0.4;
const longestPrompt = 200;

export const stage = defineStage({
  name: 'sample',
  summary: 'Write samples with every version.',
  version: 2,
  needs: ['data', 'pretrain', 'fine-tune', 'rl-rewards', 'rl', 'nash-md'],
  prefix: 'sample',
  options,
  uses: ['seed', 'backend', 'threads'],
  async run({ options: o, environment, input, signal }): Promise<SampleResult> {
    const { loadPretrained } = await import('@gimbal/language-models');
    const { disposeTree, rng } = await import('@gimbal/tensor-core');
    const { value: found, dir: rowsDir } = input(data);
    const { rows } = await storedRows(rowsDir, 'held-out', found.kind);
    const promptSuffix = found.kind === 'prompt-completion';
    const pairOf = (row: { [column: string]: unknown }): { prompt: string; reference: string } => {
      if (promptSuffix) return { prompt: String(row.prompt), reference: String(row.completion) };
      const text = String(row.text);
      const cut = wordEnd(text, Math.min(longestPrompt, Math.floor(promptShare * text.length)));
      return { prompt: text.slice(0, cut), reference: text.slice(cut) };
    };
    let samples: SampleResult['samples'] | undefined;
    for (const { name, folder } of modelVersions(input)) {
      const pretrained = await loadPretrained(folder);
      const context = pretrained.model.config.contextLength;
      // from the end: the evaluation reads from the beginning
      samples ??= rows
        .map(pairOf)
        .filter(({ prompt }) => fitsContext(pretrained, prompt, promptSuffix))
        .slice(-o.count)
        .map((pair) => ({ ...pair, versions: [] }));
      const written = await writeCompletions(
        pretrained,
        samples.map((row) => row.prompt),
        {
          batchSize: o.count,
          maxNewTokens: Math.min(o.maxNewTokens, context),
          temperature: o.temperature,
          rng: rng(environment.seed).split('sample'),
          promptSuffix,
          signal,
        },
      );
      disposeTree(pretrained.params);
      for (const [row, text] of written.entries()) samples[row]?.versions.push({ name, text });
    }
    return { prompt: samples?.[0]?.prompt ?? '', samples: samples ?? [] };
  },
  describe: (r) => `${counted(r.samples.length, 'prompt')}, ${counted(r.samples[0]?.versions.length ?? 0, 'version')}`,
  async report(r, { input }) {
    const scorer = await scorerFor(input(data).value);
    const plain: Pick<Scorer, 'spans' | 'legend'> = { spans: (_, text) => [{ text }], legend: [] };
    const { spans, legend } = scorer ?? plain;
    return [
      {
        slot: 'samples',
        title: 'What it writes',
        text: 'Completions of held-out prompts by each version of the model.',
        parts: [
          {
            kind: 'samples',
            title: '',
            ...(legend.length > 0 ? { legend } : {}),
            samples: r.samples.map(({ prompt, reference, versions }) => ({
              prompt,
              versions: [{ name: 'reference', text: reference }, ...versions].map(({ name, text }) => ({
                name,
                spans: spans(prompt, text, reference),
              })),
            })),
          },
        ],
      },
    ];
  },
});

/** The end of the word that stands at a position, or the position itself in a text without spaces. */
function wordEnd(text: string, position: number): number {
  const space = text.indexOf(' ', position);
  return space < 0 || space > position + 40 ? Math.max(1, position) : space;
}
