// What the run has trained so far, in a model four times smaller, then in 4 bits.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DecoderConfig } from '@gimbal/language-models';
import { z } from 'zod';
import { bytes, percent } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import { stage as data } from './data.ts';
import { saveLike } from './internal/save-like.ts';
import { scorerFor } from './internal/scoring.ts';
import { storedRows } from './internal/stored-rows.ts';
import { modelVersions } from './internal/versions.ts';
import { stage as plan } from './plan.ts';

/** A line of the table, without what the model wrote. */
type Line = Omit<import('../gkd/judge-models.ts').Judged, 'completions'> & { completions: string[] };

/** What the stage leaves; undefined where it is left out. */
export interface DistilResult {
  /** model folder, see `modelFolder` */
  model: string;
  /** the student in 4 bits, a .gguf file beside it */
  quantized: string;
  steps: number;
  /** teacher, student, student in 4 bits */
  judged: Line[];
  scoreName?: string | undefined;
  /** held-out prompts that they were measured on */
  judgedOn: number;
  /** the first of them */
  prompts: string[];
}

const options = z.object({
  distil: z
    .boolean()
    .default(true)
    .describe('end with a model four times smaller that learns from the run’s, and its file in 4 bits'),
  distilSteps: z
    .int()
    .min(2)
    .optional()
    .describe(
      'updates of it: half on the large model’s completions, half on its own (default: what --minutes allow, up to 2500)',
    ),
  distilBatchSize: z.int().min(1).default(64).describe('completions of such an update'),
  distilLearningRate: z
    .number()
    .positive()
    .optional()
    .describe('highest learning rate of it (default: 0.192 over its width, .006 at 32)'),
});

const [mostJudged, kept, mostPrompts] = [128, 4, 8000];
/** a larger teacher than the run’s own sizes is a matter for gimbal gkd, with a student that has learnt to write */
const mostParameters = 20e6;

export const stage = defineStage({
  name: 'distil',
  summary: 'Distil the model into one four times smaller, then into 4 bits.',
  version: 4,
  needs: ['data', 'plan', 'pretrain', 'fine-tune', 'rl-rewards', 'rl', 'nash-md'],
  prefix: '',
  options,
  uses: ['seed', 'backend', 'threads'],
  isOn: (o) => o.distil,
  async run(context): Promise<DistilResult | undefined> {
    const { options: o, environment, input, signal, note, progress, dir, logDir } = context;
    const { value: rows, dir: rowsDir } = input(data);
    const last = modelVersions(input).at(-1);
    if (rows.kind !== 'prompt-completion' || last === undefined) return undefined;
    const steps = o.distilSteps ?? (input(plan).value.later.distilSteps as number);
    const lm = await import('@gimbal/language-models');
    const { disposeTree, rng, schedules, treeSize } = await import('@gimbal/tensor-core');
    const { modelTeacher } = await import('@gimbal/gkd');
    const { distil } = await import('../gkd/distil.ts');
    const { judgeModel } = await import('../gkd/judge-models.ts');
    const { fittingPrompts, roomBeside } = await import('../rl/train-policy.ts');
    const { promptText } = await import('../rl/prompt-rows.ts');
    const teacher = await lm.loadPretrained(last.folder);
    const { tokenizer } = teacher;
    if (!tokenizer) throw new Error(`${last.folder} has no tokenizer`); // the stages before have written one
    if (treeSize(teacher.params) > mostParameters) {
      disposeTree(teacher.params);
      note('a model of this size is left to gimbal gkd, with a student that has learnt to write');
      return undefined;
    }
    const smaller = quarter(teacher.model.config, lm.decoder);
    if (smaller.width % 32 !== 0) {
      disposeTree(teacher.params);
      note('a model this narrow has no quarter whose rows fill blocks of 4 bits, 32 numbers each');
      return undefined;
    }
    const { contextLength } = teacher.model.config;
    const training = (await storedRows(rowsDir, 'train', 'prompt-completion')).rows.slice(0, mostPrompts);
    const heldOut = (await storedRows(rowsDir, 'held-out', 'prompt-completion')).rows.slice(0, mostJudged);
    const maxNewTokens = roomBeside([...training, ...heldOut], tokenizer, contextLength);
    const room = { tokenizer, contextLength, maxNewTokens };
    const prompts = fittingPrompts(training, room, note);
    const asked = fittingPrompts(heldOut, room, () => {});
    const small = lm.decoder(smaller);
    const start = small.init(rng(environment.seed).split('distil'));
    const ask = modelTeacher(teacher.model, teacher.params, tokenizer);
    try {
      using trainer = await distil(
        {
          ...{ student: small, params: start, tokenizer, teacher: ask, prompts, maxNewTokens, divergence: 'fkl' },
          // what it has learnt from the teacher's completions it is then corrected on in its own
          ...{ lambda: (step) => (step < steps / 2 ? 0 : 1), offPolicy: { source: 'teacher' } },
          ...{ batchSize: o.distilBatchSize, maxGradNorm: 1, seed: environment.seed },
          learningRate: schedules.cosine({
            ...{ peak: o.distilLearningRate ?? 0.192 / smaller.width, steps, warmup: Math.ceil(steps / 20) },
          }),
        },
        { steps, out: logDir, signal, progress, note },
      );
      await saveLike(join(dir, 'model'), small, trainer.params, teacher);
      const file = join(dir, 'model-q4_0.gguf');
      await lm.saveGguf(file, small, trainer.params, { tokenizer, type: 'Q4_0' });
      const scorer = await scorerFor(rows);
      const judging = {
        ...{ teacher: ask, tokenizer, prompts: asked.map(promptText) },
        ...{ maxNewTokens, seed: environment.seed, signal },
        score:
          scorer &&
          ((texts: readonly string[]) =>
            texts.map((text, i) =>
              Number(scorer.hit(promptText(asked[i] as never), text, String(asked[i]?.completion))),
            )),
      };
      const packed = await lm.loadPretrained(file, { weights: 'blocks' });
      const { size } = await stat(file);
      const judged: Line[] = [];
      for (const one of [
        { name: last.name, policy: teacher.model, params: teacher.params },
        { name: 'student', policy: small, params: trainer.params },
        { name: 'student, 4 bits', policy: packed.model, params: packed.params, bytes: size },
      ]) {
        progress({ step: judged.length, total: 3, text: `measuring: ${one.name}` });
        const { completions, ...line } = await judgeModel(one, judging);
        judged.push({ ...line, completions: completions.slice(0, kept) });
      }
      disposeTree(packed.params);
      return {
        ...{ model: 'model', quantized: 'model-q4_0.gguf', steps, judged },
        ...{ scoreName: scorer?.name, judgedOn: asked.length, prompts: judging.prompts.slice(0, kept) },
      };
    } finally {
      ask.dispose?.();
      disposeTree(start);
      disposeTree(teacher.params);
    }
  },
  describe(r) {
    if (!r) return 'left out';
    const [large, small, least] = r.judged;
    const score = (x: number | undefined): string => (x === undefined ? '' : `, ${r.scoreName} ${percent(x)}`);
    return [large, small, least].map((j) => (j ? `${bytes(j.bytes)}${score(j.score)}` : '')).join(' → ');
  },
  async report(r, { metrics }) {
    if (!r) return [];
    const { compareTable, judgedSamples, positionChart } = await import('../gkd/compare-table.ts');
    const { gkdCharts } = await import('../gkd/report.ts');
    return [
      {
        slot: 'scores',
        title: 'Smaller',
        text: `The model was distilled into one of at most a quarter of its parameters, in ${r.steps} steps: half of them on its completions, half on the student’s own. That one was then written in 4 bits.`,
        parts: [
          compareTable(r.judged, r.scoreName, r.judgedOn),
          positionChart(r.judged),
          judgedSamples(r.judged, r.prompts),
        ],
      },
      { slot: 'learning', title: 'How the student learned', parts: gkdCharts(metrics) },
    ];
  },
});

/** The same block with at most a quarter of the parameters: narrower first, then with fewer layers. */
export function quarter(
  c: DecoderConfig,
  decoder: (o: DecoderConfig) => { parameters: readonly { shape: readonly number[] }[] },
): DecoderConfig {
  const size = (config: DecoderConfig): number =>
    decoder(config).parameters.reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
  const most = size(c) / 4;
  // 4 bits come in blocks of 32 numbers
  for (const width of widths(c)) {
    for (let layers = c.layers; layers >= Math.max(1, Math.ceil(c.layers / 2)); layers--) {
      const headWidth = width / c.heads;
      const feedForward = 32 * Math.max(1, Math.round((c.feedForward * width) / c.width / 32));
      const initializerRange = c.initializerRange * Math.sqrt(c.width / width);
      const config = { ...c, width, layers, headWidth, feedForward, initializerRange };
      if (size(config) <= most) return config;
    }
  }
  return { ...c, width: 2 * c.heads, layers: 1, headWidth: 2, feedForward: 32 };
}

/** From half down: multiples of 32 first. */
function widths(c: DecoderConfig): number[] {
  const unit = 2 * c.heads;
  const all = Array.from({ length: Math.floor(c.width / 2 / unit) }, (_, i) => unit * (i + 1)).reverse();
  return [...all.filter((w) => w % 32 === 0), ...all.filter((w) => w % 32 !== 0)];
}
