// gimbal sft: go on training a model you have, on rows of your own; all of it, or an adapter beside it.
import { join } from 'node:path';
import type { renderChat, Tokenizer } from '@gimbal/language-models';
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { counted, duration, quantity } from '../cli/format.ts';
import { adapterFlags } from '../options/adapter-flags.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOf, heldOutOption } from '../options/held-out.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { bestParams } from '../run/best-params.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { alreadyDone, checkpointIn, stoppedRun, underCosine } from '../run/going-on.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import { noteInflated } from '../run/note-inflated.ts';
import { optionsOfRun, withRun } from '../run/run-folder.ts';
import { worsened } from '../run/worsened.ts';
import { refuseAssistantOnly } from '../sft/assistant-only.ts';
import { checkJudged, judgedRows } from '../sft/judged-rows.ts';
import { longRows } from '../sft/long-rows.ts';
import { checkMaxLength, splitRowsByLength } from '../sft/split-rows.ts';
import { openTuned } from '../sft/tuned-model.ts';

/** Updates where no number is given. */
const defaultSteps = 200;

const options = z.object({
  model: z
    .string()
    .describe('model folder, a .gguf file, or a name on the hub, as HuggingFaceTB/SmolLM2-135M-Instruct'),
  data: z
    .string()
    .describe(
      'your rows: a .jsonl, .csv or .parquet of text, of prompt and completion (as texts, or as messages), or of messages; or a .txt',
    ),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, as prompt=question,completion=answer'),
  judge: z
    .string()
    .optional()
    .describe(
      'of rows with prompts: folder of a judge (gimbal reward --kind entailment); rows whose prompt does not entail the completion are left out',
    ),
  judgeThreshold: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('with --judge: least probability of entailment (default 0.5)'),
  controlWords: z
    .array(z.string())
    .optional()
    .describe(
      'with --judge: keep all rows, and end a prompt with the first word where it entails its completion, else with the second, as faithful,free',
    ),
  heldOut: heldOutOption
    .optional()
    .describe('rows to evaluate on: a number, or a share below 1 (default: a tenth, at most 256)'),
  steps: z.int().min(1).default(defaultSteps).describe('updates; with --resume a larger number trains on'),
  batchSize: z.int().min(1).default(8).describe('rows at a time'),
  accumulate: z.int().min(1).default(1).describe('batches in one update'),
  learningRate: z
    .number()
    .positive()
    .optional()
    .describe('peak of a cosine with warm-up (default: 2e-4 with an adapter, else 5e-5)'),
  maxLength: z.int().min(2).optional().describe("longest row in tokens (default: the model's context, at most 1024)"),
  overflow: z.enum(['drop', 'cut', 'split', 'error']).default('drop').describe('what becomes of a longer row'),
  assistantOnly: z.boolean().default(false).describe('of conversations, learn only what the assistant writes'),
  lora: z.int().min(0).default(16).describe('rank of the adapter; 0 trains all weights'),
  ...adapterFlags,
  packing: z
    .boolean()
    .optional()
    .describe(
      'fill blocks of the longest row, whole rows that see only themselves (default: for plain text, end to end)',
    ),
  paddingFree: z
    .boolean()
    .default(false)
    .describe('lay the rows of a batch in one line, so that no padding is computed'),
  gradientCheckpointing: z.boolean().default(false).describe('less memory, a third more time'),
  evalEvery: z.int().min(1).default(50).describe('updates between evaluations'),
  patience: z.int().min(1).optional().describe('end after so many evaluations without a better one'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
});

export const command = defineCommand({
  summary: 'Fine-tune a model you have on your rows: an adapter by default, or all weights.',
  options,
  resumes: true,
  examples: [
    'gimbal sft --model SmolLM2-135M-Instruct.Q4_1.gguf --data my.jsonl --columns prompt=question,completion=answer',
    'gimbal sft --model runs/align-1/model --data chats.jsonl --lora 0 --assistant-only',
    'gimbal sft --model my-model --data summaries.jsonl --judge runs/reward-1     learn only what the prompt entails',
    'gimbal sft --resume                 go on with the run that was stopped',
  ],
  async run({ options: given, given: where, output, signal }) {
    checkColumns('sft', given.columns, ['text', 'prompt', 'completion', 'messages']);
    checkJudged(given);
    if (given.lora === 0)
      refuseGiven(
        'gimbal sft',
        where,
        ['dora', 'loraTargets', 'loraAlpha'],
        '--lora 0 trains all weights, without an adapter',
      );
    const note = (text: string): void => output.note(text);
    const request = { command: 'sft', options: given, given: where, note, longer: underCosine(defaultSteps) };
    return withRun(request, async (run) => {
      const o = optionsOfRun(given, run);
      const compute = await startCompute(o);
      refuseBf16('gimbal sft', o.precision, compute);
      const lm = await import('@gimbal/language-models');
      const { disposeTree, rng, schedules } = await import('@gimbal/tensor-core');
      // refused before a model is downloaded
      const read = await lm.readRows(o.data, {
        ...(o.columns === undefined ? {} : { columns: o.columns }),
        usable: ['text', 'prompt-completion', 'conversation', 'conversation-completion'],
      });
      const rows = await judgedRows(read, o, (text) => output.note(text));
      lm.splitDataset(rows, heldOutOf('sft', o.heldOut, rows.rows.length), rng(o.seed).split('split'));
      const path = await modelPath(o.model, 'gimbal sft --model', hubOptions(output, signal));
      if (o.assistantOnly) await refuseAssistantOnly(path, rows);
      const tuned = await openTuned(
        path,
        {
          assistantOnly: o.assistantOnly,
          overflow: o.overflow,
          ...(o.packing === undefined ? {} : { packing: o.packing }),
          ...(o.paddingFree ? { paddingFree: true } : {}),
        },
        where,
      );
      const { config, params, tokenizer } = tuned;
      for (const warning of tuned.warnings) output.note(`warning ${warning}`);
      noteInflated(path, params, (text) => output.note(text));
      if (!tokenizer) {
        throw new ConfigError({
          where: 'gimbal sft --model',
          what: 'it has no tokenizer',
          got: o.model,
          wanted: 'tokenizer.json',
        });
      }
      checkMaxLength(o.maxLength, config.contextLength);
      const maxLength = o.maxLength ?? Math.min(config.contextLength, 1024);
      const parts = await splitRowsByLength(
        rows,
        tuned.lengths(rows, tokenizer, maxLength),
        { tokens: maxLength, context: config.contextLength, given: o.maxLength, overflow: o.overflow },
        o.heldOut,
        rng(o.seed).split('split'),
      );
      const adapter =
        o.lora === 0
          ? undefined
          : lm.createLora(
              config,
              params,
              {
                rank: o.lora,
                dora: o.dora,
                ...(o.loraAlpha === undefined ? {} : { alpha: o.loraAlpha }),
                ...(o.loraTargets === undefined ? {} : { targetModules: o.loraTargets }),
              },
              rng(o.seed).split('adapter'),
            );
      const peak = o.learningRate ?? (adapter ? 2e-4 : 5e-5);
      const trainerOptions = {
        tokenizer,
        data: parts.train,
        evalData: parts.heldOut,
        ...(adapter ? { adapter } : {}),
        maxLength,
        batchSize: o.batchSize,
        accumulate: o.accumulate,
        gradientCheckpointing: o.gradientCheckpointing,
        precision: o.precision,
        evalEvery: Math.min(o.evalEvery, o.steps),
        ...(o.patience === undefined ? {} : { earlyStop: { patience: o.patience } }),
        seed: o.seed,
        out: join(run.path, 'training'),
        learningRate: schedules.cosine({
          peak,
          steps: o.steps,
          warmup: Math.max(1, Math.round(o.steps / 20)),
          final: peak / 20,
        }),
      };
      const isGlued = rows.kind === 'prompt-completion' && !rendersAsTrained(tokenizer, lm.renderChat);
      if (isGlued) {
        const as = 'prompt and completion are learnt as one text, without the chat template';
        output.note(`${as}; rows that hold them as messages, [{"role": …, "content": …}], are learnt as its turns`);
      }
      const before = await tuned.lossOn(parts.heldOut, tokenizer, {
        limit: maxLength,
        batchSize: o.batchSize,
        signal,
      });
      output.note(
        `${counted(parts.train.rows.length - parts.unusable, 'row')}, ${parts.heldOut.rows.length} held out; their loss is ${before.loss.toFixed(4)}`,
      );
      const goesOn = (await checkpointIn(trainerOptions.out, note)) !== undefined;
      using trainer = await tuned.trainer(
        trainerOptions,
        goesOn ? { folder: trainerOptions.out, warn: note } : undefined,
      );
      if (trainer.step >= o.steps) note(alreadyDone(trainer.step));
      const { overflow } = trainer;
      if (overflow.rows > 0) {
        const limit = { tokens: maxLength, context: config.contextLength, overflow: o.overflow };
        output.note(longRows(overflow, counted(rows.rows.length, 'row'), limit));
      }
      let last = Number.NaN;
      let told = Number.NEGATIVE_INFINITY; // ms
      for await (const step of trainer.train({ steps: o.steps, signal })) {
        last = step.evalLoss ?? last;
        const loss = `step ${step.step}/${o.steps}  loss ${step.loss.toFixed(4)}`;
        if (step.evalLoss !== undefined) {
          output.note(`${loss}  held-out ${step.evalLoss.toFixed(4)}  ${quantity(step.tokensPerSecond)} tokens/s`);
        } else if (output.live) output.status(`${loss}  ${duration(step.secondsLeft)} left`);
        else if (performance.now() - told > betweenLines) {
          output.note(`${loss}  ${duration(step.secondsLeft)} left`);
          told = performance.now();
        }
      }
      if (trainer.stopReason === 'signal') {
        throw stoppedRun('sft', run.path, `stopped after step ${trainer.step} of ${o.steps}`);
      }
      const target = join(run.path, adapter ? 'adapter' : 'model');
      const best = await bestParams(trainerOptions.out, trainer, (text) => output.note(text));
      if (adapter) await lm.saveAdapter(target, config, { ...adapter, params: best.params }, { base: path, tokenizer });
      else await tuned.save(target, best.params);
      if (best.params !== trainer.params) disposeTree(best.params);
      if (trainer.stopReason === 'early') output.note(`ended at step ${trainer.step}: no better evaluation came`);
      const at = best.step === trainer.step ? '' : ` (step ${best.step} of ${trainer.step}, the best)`;
      output.line(`held-out loss ${before.loss.toFixed(4)} → ${best.loss.toFixed(4)}${at}; saved to ${target}`);
      if (isGlued) {
        output.note('it learnt prompts without the chat template: ask it with gimbal generate --continue');
      }
      const worse = worsened({ before: before.loss, best, last: { loss: last, step: trainer.step } });
      if (worse !== undefined) {
        output.note(`warning: ${worse}. Try a lower --learning-rate than ${peak}, fewer --steps, or more rows`);
      }
      if (adapter) lm.disposeAdapter(adapter);
      disposeTree(params);
      await compute.trace(output);
      return {
        json: {
          path: target,
          steps: trainer.step,
          bestStep: best.step,
          heldOutLossBefore: before.loss,
          heldOutLoss: best.loss,
          tooLong: overflow,
        },
      };
    });
  },
});

/** ms between two lines of a log: it shows no progress that rewrites itself */
const betweenLines = 30_000;

/** Whether generation, which takes a prompt for a turn of the chat template, writes it as rows of prompts are trained on. */
function rendersAsTrained(tokenizer: Tokenizer, render: typeof renderChat): boolean {
  if (tokenizer.config.chat_template === undefined) return true;
  const content = 'a';
  try {
    const { text } = render(tokenizer, [{ role: 'user', content }], { addGenerationPrompt: true });
    return text === content + tokenizer.promptSuffix;
  } catch {
    return false; // a template that wants more than one turn
  }
}
