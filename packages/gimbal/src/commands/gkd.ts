// gimbal gkd: a small model learns from a large one, on what it writes itself.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { checkFlags, inGkdFlags } from '../gkd/check-flags.ts';
import { distilCommand } from '../gkd/command.ts';
import { scoreNames } from '../gkd/score.ts';
import { lambdaOf, trainerFlags } from '../gkd/trainer-flags.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOption } from '../options/held-out.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { readsNewsroom } from '../rl/reward.ts';
import { parseReward } from '../rl/reward-spec.ts';
import { withRun } from '../run/run-folder.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);

const defaultSteps = 100;

const options = z.object({
  teacher: z.string().min(1).describe('the large model: a folder, a run’s, a .gguf file, or a name on the hub'),
  student: z
    .string()
    .min(1)
    .optional()
    .describe('the small one, already fine-tuned, with the same tokenizer: where training starts'),
  everyLayer: z
    .int()
    .min(2)
    .optional()
    .describe(
      'instead of --student: it starts as the teacher with every so-manieth of its layers alone, from the first',
    ),
  data: z
    .string()
    .optional()
    .describe(
      'rows with a prompt each, and a completion where --lambda is below 1: texts, or the turns of a conversation, also as messages (default: the generated newsroom)',
    ),
  columns: z.record(z.string(), z.string()).optional().describe('names of your columns, as prompt=question'),
  preset: z
    .enum([
      'gkd',
      'sft',
      'seqkd',
      'supervised-kd',
      'imitkd',
      'f-distill',
      'minillm',
      'distillm',
      'sampled-opd',
      'local-support',
    ])
    .default('gkd')
    .describe('the method: whose completions, and which divergence'),
  divergence: z
    .string()
    .optional()
    .describe('fkl, rkl, tvd, jsd:0.9, skew-fkl:0.1 or skew-rkl:0.1 (default: the preset’s; gkd: fkl)'),
  ...trainerFlags,
  mixing: z.enum(['batch', 'sequence']).default('sequence').describe('one coin for a step, or one for each completion'),
  steps: count.default(defaultSteps).describe('updates; with --resume a larger number trains on'),
  batchSize: count.default(16).describe('completions of a step'),
  learningRate: z
    .number()
    .positive()
    .optional()
    .describe('default: 1e-4 with an adapter, else 1e-5; small models bear 1e-3'),
  maxNewTokens: count
    .optional()
    .describe('most tokens of a completion (default: what the longest prompt leaves of the context, at most 64)'),
  temperature: z.number().positive().default(1).describe('of the student’s samples'),
  teacherTemperature: z.number().positive().default(1).describe('of the teacher’s softmax in the divergence'),
  teacherTopK: count.optional().describe('use only the teacher’s likeliest tokens and the sum of the others'),
  topKOf: z
    .enum(['teacher', 'student'])
    .optional()
    .describe(
      'whose likeliest tokens those are: of the student’s a reverse KL sees more (default: the preset’s; teacher)',
    ),
  alignment: z
    .enum(['none', 'spans', 'uld', 'hybrid'])
    .default('none')
    .describe(
      'for a teacher with another tokenizer: compare log-probabilities of stretches of text (spans), sorted probabilities (uld), or distributions over what both vocabularies have in common (hybrid, best where its tokens are the shorter ones; where they are longer --preset seqkd with any of them is safe)',
    ),
  alignVocab: z
    .boolean()
    .default(false)
    .describe('one tokenizer, but logits of different widths (padded): compare the tokenizer’s ids alone'),
  packing: z
    .boolean()
    .default(false)
    .describe('lay prompts and completions one after the other in one line, so that padding costs nothing'),
  teacherCache: z
    .string()
    .optional()
    .describe('folder that keeps what the teacher says of completions, for those that come again (--lambda below 1)'),
  reward: z
    .array(z.string())
    .optional()
    .describe('also learn from a reward, written as for gimbal rl; it is the score of the table, too'),
  alpha: share.default(0.25).describe('weight of the divergence beside a reward: (1 − α) r − α D'),
  samplesPerPrompt: z.int().min(2).default(4).describe('completions of a prompt beside a reward'),
  lora: z.int().min(0).default(0).describe('rank of an adapter to train; 0 trains all weights'),
  heldOut: heldOutOption
    .optional()
    .describe('prompts that the models are compared on: a number, or a share below 1 (default: a tenth, at most 64)'),
  evalEvery: count
    .optional()
    .describe(
      'look each so many updates at further held-out prompts, and keep the weights that do best there (default: the last ones)',
    ),
  patience: count.optional().describe('end after so many evaluations without a better one'),
  score: z
    .enum(scoreNames)
    .optional()
    .describe('what the table compares greedy completions with the rows’ own by (default: the reward, else rouge2)'),
  quantize: z.boolean().default(true).describe('also write the student in 4 bits, and compare it'),
  articles: z.int().min(16).default(2000).describe('articles of the generated newsroom, without --data'),
  world: z.enum(['full', 'mini']).default('full').describe('which newsroom: what the teacher was trained on'),
  checkpointEvery: count.optional().describe('save each so many steps (default: ten times)'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
});

export type GkdFlags = z.output<typeof options>;

export const command = defineCommand({
  summary: 'Distil a large model into a small one, on what the small one writes, and then into 4 bits.',
  options,
  resumes: true,
  examples: [
    'gimbal gkd --teacher runs/align-1 --student small-model --learning-rate 1e-3',
    'gimbal gkd --teacher big --student small --data prompts.jsonl --divergence jsd:0.9 --lora 16',
    'gimbal gkd --teacher big --student small --data rows.jsonl --preset supervised-kd',
    'gimbal gkd --teacher big --student small --data prompts.jsonl --reward ./reward.mjs --alpha 0.25',
    'gimbal gkd --teacher big --every-layer 3 --data rows.jsonl --preset sft',
    'gimbal gkd --teacher big --student small --data rows.jsonl --lambda 0..1 --score bleu',
    'gimbal gkd --teacher other-family --student small --data prompts.jsonl --preset seqkd --alignment spans',
    'gimbal gkd --resume                 go on with the run that was stopped',
  ],
  async run(context) {
    const { options: o } = context;
    if (!o.resume) {
      if ((o.student === undefined) === (o.everyLayer === undefined))
        throw new ConfigError({
          where: 'gimbal gkd',
          what: o.student === undefined ? 'which student?' : 'two students',
          wanted: 'either --student or --every-layer',
        });
      if (o.everyLayer !== undefined && o.lora > 0)
        throw new ConfigError({
          where: 'gimbal gkd --every-layer',
          what: 'an adapter needs a student that is saved somewhere',
          fix: 'Leave out --lora, or save the student with a run of --preset sft first',
        });
      if (o.teacherTopK === undefined && o.preset !== 'local-support')
        refuseGiven(
          'gimbal gkd',
          context.given,
          ['topKOf'],
          'all tokens are compared: say how many by --teacher-top-k',
        );
      const needless = (names: readonly string[], why: string): void =>
        refuseGiven('gimbal gkd', context.given, names, why);
      if (o.replay === undefined)
        needless(['replayFresh'], 'nothing is kept to learn from again: say how much by --replay');
      if (o.auxiliary === undefined)
        needless(['auxiliaryWeight'], 'there are no further rows: name them by --auxiliary');
      if (o.evalEvery === undefined) needless(['patience'], 'nothing is evaluated: say how often by --eval-every');
      if (o.lora === 0)
        needless(['dora', 'loraTargets', 'loraAlpha'], '--lora 0 trains all weights, without an adapter');
      lambdaOf(o.lambda, o.steps);
      checkFlags(o, context.given);
      checkColumns('gkd', o.columns, ['prompt', 'completion', 'messages']);
      const rewards = (o.reward ?? []).map((text) => parseReward(text, 'gimbal gkd --reward'));
      if (o.data !== undefined) {
        refuseGiven(
          'gimbal gkd',
          context.given,
          ['articles'],
          'the prompts are those of --data: no articles are generated',
        );
        if (!rewards.some(readsNewsroom))
          refuseGiven('gimbal gkd', context.given, ['world'], 'neither prompts nor a reward are of a newsroom');
      }
      if (o.divergence !== undefined) {
        const { parseDivergence } = await import('@gimbal/gkd');
        const { divergence } = o;
        await inGkdFlags(async () => parseDivergence(divergence));
      }
      if (o.reward !== undefined && o.batchSize % o.samplesPerPrompt !== 0) {
        throw new ConfigError({
          where: 'gimbal gkd --batch-size',
          what: 'the completions of a prompt belong together',
          got: o.batchSize,
          wanted: `a multiple of --samples-per-prompt ${o.samplesPerPrompt}`,
        });
      }
    }
    const longer = {
      steps: defaultSteps,
      told: 'The learning rate is the same; a share that rises by a..b is over all of them',
    };
    const note = (text: string): void => context.output.note(text);
    return inGkdFlags(() =>
      withRun({ command: 'gkd', options: o, given: context.given, note, longer }, (run) => distilCommand(context, run)),
    );
  },
});
