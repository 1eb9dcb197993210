// gimbal nash-md: a matrix of preferences solved (--game), or a language model trained against a preference (--model).
import { dpoLossNames, solverAliases, solverNames } from '@gimbal/nash-md';
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { preferenceForms } from '../nash/preference-forms.ts';
import { solveGame } from '../nash/solve-game.ts';
import { trainModel } from '../nash/train-model.ts';
import { checkColumns } from '../options/columns.ts';
import { partsOption } from '../options/in-parts.ts';
import { refuseGiven } from '../options/refuse-given.ts';

const share = z.number().min(0).max(1).optional();
const count = z.int().min(1);

const game = {
  game: z
    .string()
    .min(1)
    .optional()
    .describe(
      'a .json or .csv of preferences P(row ≻ column), a .csv with or without a first line and a first column of names, counts as {"wins": [[0, 14], [6, 0]]} in a .json; or cyclic:a:n (n responses in a circle, each beats the next with probability a; default 1 and 3), dice (three, each beats the next with 5/9), condorcet (three rankings in a circle), annotators:ε (three kinds of annotators, of weights ⅓ − ε, ⅓ + ε/2 and ⅓ + ε/2; default .1), random:n (n responses, each pair drawn; default 10)',
    ),
  solver: z
    .string()
    .min(1)
    .default('nash-md')
    .describe(
      `game: ${solverNames.join(', ')}; or a method whose tabular form is one of them: ${Object.keys(solverAliases).join(', ')}`,
    ),
  reference: z
    .array(z.number().min(0))
    .optional()
    .describe('game: μ, a probability of each response (default: uniform)'),
  eta: z.number().positive().optional().describe('game: step size (default: 2/(τ(t + 2)), or the solver’s own)'),
  magnetEvery: count.optional().describe('game, moving-magnet: steps between two moves of the reference'),
  symmetrise: z.boolean().default(false).describe('game: average both orders of asking, P ← ½ (P + 1 − Pᵀ)'),
};

const training = {
  model: z
    .string()
    .min(1)
    .optional()
    .describe('model folder, or a .gguf file: where training starts, and the reference'),
  preference: z.string().min(1).optional().describe(`who is preferred: ${preferenceForms}`),
  data: z
    .string()
    .min(1)
    .optional()
    .describe(
      'rows with a prompt each, a text or the turns of a conversation, or with messages, in a .jsonl, .csv or .parquet (default: articles of the newsroom, for its preference)',
    ),
  columns: z.record(z.string(), z.string()).optional().describe('name of your column, as prompt=question'),
  articles: count.default(2000).describe('articles of the generated newsroom, without --data'),
  world: z.enum(['full', 'mini']).default('full').describe('which newsroom: what the model was trained on'),
  objective: z
    .enum(['policy-gradient', 'online-ipo', 'ipo-md', 'online-dpo', 'sppo', 'dno', 'inpo', 'egpo', 'nash-mp'])
    .default('policy-gradient')
    .describe('what is minimised'),
  opponent: z
    .enum(['mixture', 'ema'])
    .default('mixture')
    .describe('of the policy gradient: mixture with the reference, or an average'),
  against: z
    .string()
    .min(1)
    .optional()
    .describe(
      'a model, or model+adapter, that never moves: what is trained is a best response to it, and how often that wins says how exploitable it is',
    ),
  klEstimator: z
    .enum(['reward-to-go', 'analytic', 'token-local'])
    .default('reward-to-go')
    .describe('how the KL divergence enters the gradient; token-local is biased'),
  deploy: z
    .enum(['policy', 'mixture'])
    .default('policy')
    .describe('what will be used: with mixture it is the mixture that goes to the equilibrium'),
  batchSize: count.default(16).describe('completions of a step, by either player'),
  accumulate: count.default(1).describe('batches in one update'),
  samplesPerPrompt: count.default(1).describe('completions of each prompt'),
  tournament: z.boolean().default(false).describe('compare each completion with all of the opponent’s of its prompt'),
  contrastive: z
    .boolean()
    .default(false)
    .describe('self-play (--mixture-coef 0): learn from the completions of both sides'),
  inverseStep: z
    .number()
    .positive()
    .optional()
    .describe('1/η of sppo (default .001), dno (.1), inpo (τ(t + 2)/2) and nash-mp (τ + 3)'),
  dpoLoss: z
    .enum(dpoLossNames)
    .exclude(['robust']) // it is for labels that were flipped by chance, and here they are asked for
    .default('sigmoid')
    .describe('of online-dpo'),
  orders: z
    .enum(['auto', 'one', 'both'])
    .default('auto')
    .describe('ask who is preferred in both orders; auto: in the first update, and then if it matters'),
  retries: z.int().min(0).default(2).describe('how often to ask again when the preference throws'),
  remember: z.boolean().default(false).describe('ask the preference about no two completions twice in the same order'),
  missingEosPenalty: z
    .number()
    .min(0)
    .default(0)
    .describe('taken from the preference of a completion that is cut at the limit'),
  emaForm: z
    .enum(['recursive', 'anchored'])
    .default('recursive')
    .describe('of the averaged opponent: of all past policies, or of the present one and the reference'),
  innerSteps: count.optional().describe('updates against one opponent (default: 1; nash-mp: 4)'),
  learningRate: z.number().positive().optional().describe('default: 1e-4 with an adapter, else 1e-5'),
  maxNewTokens: count.optional().describe('most tokens of a completion (default: what the prompts leave, at most 64)'),
  lora: z.int().min(0).default(16).describe('rank of the adapter; 0 trains all weights'),
  comparisons: count.default(200).describe('with the start, at the end'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
};

const options = z.object({
  ...game,
  ...training,
  klCoef: partsOption(z.number().min(0))
    .optional()
    .describe(
      'τ, weight of the KL divergence from the reference (default: game .1; model .008, online-ipo and ipo-md 1, online-dpo, inpo and egpo .1; sppo and dno have none); of a model also several numbers, each for an equal part of the run',
    ),
  mixtureCoef: partsOption(z.number().min(0).max(1))
    .optional()
    .describe('β, weight of the reference in the opponent (default: model .125)'),
  emaDecay: share.describe('share of the averaged opponent that stays each step (default: game .9, model .99)'),
  steps: count
    .optional()
    .describe('default: game 1000, model 100; of a model, with --resume a larger number trains on'),
});

export const command = defineCommand({
  summary: 'Find what no other policy beats: solve a game of preferences, or train a model you have.',
  options,
  resumes: true,
  examples: [
    'gimbal nash-md --game cyclic --reference 0.7,0.2,0.1 --kl-coef 0.1',
    'gimbal nash-md --game preferences.csv --solver extragradient --steps 5000',
    'gimbal nash-md --model my-model --preference runs/reward-1/model --data prompts.jsonl',
    'gimbal nash-md --model my-model --preference ./judge.mjs --data prompts.jsonl   export default (prompts, a, b) => numbers',
    'gimbal nash-md --model my-model --against my-model+runs/nash-md-1/adapter --preference ./judge.mjs --data prompts.jsonl',
    'gimbal nash-md --resume                 go on with the run that was stopped',
  ],
  async run(context) {
    const { options: o } = context;
    checkColumns('nash-md', o.columns, ['prompt', 'messages']);
    if (o.resume && o.game !== undefined) {
      const what = 'a game is not gone on with: it is solved anew in seconds';
      throw new ConfigError({
        where: 'gimbal nash-md --resume',
        what,
        fix: 'Leave out --resume, and give another --out',
      });
    }
    const trains = o.model !== undefined || (o.resume && o.game === undefined);
    if (trains && o.game === undefined) {
      refuseGiven('gimbal nash-md', context.given, Object.keys(game), 'it is of --game, and a model is trained here');
      return trainModel(context);
    }
    if (o.game !== undefined && o.model === undefined) {
      refuseGiven('gimbal nash-md', context.given, Object.keys(training), 'with --game nothing is trained');
      const coefficients = { klCoef: one('--kl-coef', o.klCoef), mixtureCoef: one('--mixture-coef', o.mixtureCoef) };
      return solveGame({ ...context, options: { ...o, ...coefficients, game: o.game } });
    }
    throw new ConfigError({
      where: 'gimbal nash-md',
      what: o.game === undefined ? 'nothing to solve and nothing to train' : 'both --game and --model',
      wanted: 'either --game, or --model with --preference',
      fix: 'For example gimbal nash-md --game cyclic',
    });
  },
});

/** A game has no parts. */
function one(flag: string, value: number | readonly number[] | undefined): number | undefined {
  const [first, ...others] = [value].flat();
  if (others.length === 0) return first as number | undefined;
  throw new ConfigError({ where: `gimbal nash-md ${flag}`, what: 'a game has one', got: value, wanted: 'one number' });
}
