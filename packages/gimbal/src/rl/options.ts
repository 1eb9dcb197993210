// What `gimbal rl` can be told.
import { tokenPresets } from '@gimbal/fma-pg';
import { z } from 'zod';
import { heldOutOption } from '../options/held-out.ts';
import { surrogateFlags } from './surrogate-flags.ts';
import type { PresetName } from './train-policy.ts';

const presets = Object.keys(tokenPresets) as [PresetName, ...PresetName[]];

/** Updates where no number is given. */
export const defaultSteps = 100;

/** @param preset the default */
export const optionsWith = (preset: PresetName) =>
  z.object({
    model: z
      .string()
      .describe('the model that learns: a folder, a run (runs/sft-1), a .gguf file, or a name on the hub'),
    reward: z
      .array(z.string())
      .describe(
        'exact, exact:column, world:newsroom, a reward model’s folder, entailment:folder, ensemble:a+b, length:20..40, repetition, https://…, or ./file.mjs; options behind a ?, as entailment:folder?aggregate=summac?p-min=0.01 or ensemble:runs/warm-1?reduce=median; several are summed with weights, as exact=0.5,./style.mjs,length:..40=0..0.1@100, the last rising over 100 updates',
      ),
    monitor: z
      .array(z.string())
      .optional()
      .describe(
        'a second reward, never optimised, written like --reward: the run stops where it falls, and keeps the weights of its best step',
      ),
    patience: z.int().min(1).default(5).describe('looks in a row at which the monitor may stand below its best'),
    maxKl: z.number().positive().optional().describe('with --monitor: stop this many nats from the model as it was'),
    tolerance: z
      .number()
      .min(0)
      .optional()
      .describe('with --monitor: how far below its best is below, in standard errors of its mean (default 3)'),
    minLengthRatio: z
      .number()
      .positive()
      .max(1)
      .optional()
      .describe("with --monitor: stop where completions have less than this share of the first step's words"),
    maxEmptyRate: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('with --monitor: stop where a larger share of completions is empty'),
    lookEvery: z.int().min(1).optional().describe('with --monitor: it looks each so many steps (default 1)'),
    data: z
      .string()
      .optional()
      .describe(
        'rows with a prompt each, in a .jsonl, .csv or .parquet (default: articles of the newsroom, for its reward)',
      ),
    columns: z
      .record(z.string(), z.string())
      .optional()
      .describe('names of your columns, as prompt=question,answer=solution'),
    heldOut: heldOutOption
      .optional()
      .describe('prompts to compare before and after on: a number, or a share below 1 (default: a tenth, at most 128)'),
    articles: z.int().min(16).default(2000).describe('articles of the generated newsroom, without --data'),
    world: z.enum(['full', 'mini']).default('full').describe('which newsroom: what the model was trained on'),
    preset: z.enum(presets).default(preset).describe('the method, with its baseline, credit and KL'),
    ...surrogateFlags,
    steps: z
      .int()
      .min(1)
      .default(defaultSteps)
      .describe('updates of the data: each samples completions anew; with --resume a larger number trains on'),
    batchSize: z
      .int()
      .min(1)
      .default(preset === 'grpo' ? 64 : 32)
      .describe('completions of a step'),
    samplesPerPrompt: z.int().min(1).optional().describe("completions of each prompt (default: the preset's)"),
    epochs: z.int().min(1).optional().describe("passes over the completions of a step (default: the preset's)"),
    learningRate: z
      .number()
      .positive()
      .optional()
      .describe(
        'default: 1e-5 from 100M parameters up, rising to 1e-3 for 100k; with an adapter ten times as much, at most 3e-3; the one in use is printed',
      ),
    klCoef: z.number().min(0).optional().describe('weight of the KL to the model as it was (default: the preset’s)'),
    klMixing: z.enum(['additive', 'convex']).optional().describe('reward − βKL, or (1 − α)·reward − αKL'),
    klIn: z
      .enum(['reward', 'loss'])
      .optional()
      .describe("the KL of each token is a reward (k1), or a part of the loss (k3, as GRPO) (default: the preset's)"),
    anchorRate: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'the KL is to a moving average of the policy, reference ← rate·reference + (1 − rate)·policy; 0.99 say (default: to the model as it was)',
      ),
    baseline: z
      .enum(['leave-one-out', 'batch', 'group', 'moving-average', 'value'])
      .optional()
      .describe("what a completion's reward is compared with (default: the preset's)"),
    credit: z
      .enum(['token', 'sequence'])
      .optional()
      .describe("each token is credited with what follows, or with the whole (default: the preset's)"),
    normalizeAdvantage: z
      .enum(['none', 'batch', 'group'])
      .optional()
      .describe(
        "divide advantages by their spread in the batch, or among a prompt's completions (default: the preset's)",
      ),
    rolloutLogProbs: z
      .enum(['unit', 'tempered'])
      .optional()
      .describe('log-probabilities at temperature 1, or of what was sampled from (default unit)'),
    temperature: z.number().positive().default(1).describe('of the samples'),
    maxNewTokens: z
      .int()
      .min(1)
      .optional()
      .describe('most tokens of a completion (default: what the longest prompt leaves of the context, at most 64)'),
    maskTruncated: z
      .boolean()
      .default(false)
      .describe('leave completions that were cut at the limit out of the loss, as TRL’s mask_truncated_completions'),
    missingEosPenalty: z.number().min(0).default(0).describe('taken off the reward of completions that were cut'),
    valueTrunk: z
      .enum(['policy', 'own'])
      .default('policy')
      .describe(
        'of the value function (ppo, or --baseline value): a head on the policy’s hidden states, or a copy of the policy that learns too',
      ),
    valueLearningRate: z
      .number()
      .positive()
      .optional()
      .describe('of the value function (default 1e-3; with --value-trunk own, the learning rate)'),
    gaeLambda: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('of the value function: 1 trusts what was sampled, 0 what is estimated (default 0.95)'),
    missingEosReward: z.number().optional().describe('the reward of completions that were cut, in place of their own'),
    policyWarmup: z.int().min(1).optional().describe('steps over which the policy’s learning rate rises'),
    policyWarmupMode: z
      .enum(['lr', 'freeze'])
      .default('lr')
      .describe('with --policy-warmup: the rate rises, or the policy stays as it is and the value function learns'),
    evalEvery: z
      .int()
      .min(1)
      .optional()
      .describe(
        'score prompts each so many steps, and keep the weights of the best: as many as --held-out, neither learnt from nor reported on',
      ),
    accumulate: z.int().min(1).optional().describe('batches in one update (default 1)'),
    maxGradNorm: z.number().positive().default(1).describe('clips the norm of the gradient'),
    gradientCheckpointing: z.boolean().default(false).describe('less memory, a third more time'),
    lora: z.int().min(0).default(0).describe('rank of an adapter to train; 0 trains all weights'),
    checkpointEvery: z.int().min(1).optional().describe('save each so many steps (default: ten times)'),
    precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
  });
