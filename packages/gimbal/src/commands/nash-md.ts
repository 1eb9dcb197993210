// gimbal nash-md: a matrix of preferences solved (--game), or a language model trained against a preference.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { solveGame } from '../nash/solve-game.ts';

const options = z.object({
  game: z
    .string()
    .min(1)
    .optional()
    .describe('a .json or .csv of preferences P(row ≻ column), or cyclic:a:n, dice, condorcet, annotators:ε, random:n'),
  solver: z
    .string()
    .min(1)
    .default('nash-md')
    .describe('nash-md, omd, mwu, mmd, omwu, extragradient, mirror-prox, nash-ema, moving-magnet, …'),
  klCoef: z.number().min(0).optional().describe('τ, weight of the KL divergence from the reference (default .1)'),
  reference: z.array(z.number().min(0)).optional().describe('μ, a probability of each response (default: uniform)'),
  eta: z.number().positive().optional().describe('step size (default: 2/(τ(t + 2)), or the solver’s own)'),
  steps: z.int().min(1).optional().describe('steps (default 1000)'),
  mixtureCoef: z.number().min(0).max(1).optional().describe('β, weight of the reference in the opponent'),
  emaDecay: z.number().min(0).max(1).optional().describe('nash-ema: share of the average that stays each step'),
  magnetEvery: z.int().min(1).optional().describe('moving-magnet: steps between two moves of the reference'),
  symmetrise: z.boolean().default(false).describe('average both orders of asking: P ← ½ (P + 1 − Pᵀ)'),
});

export const command = defineCommand({
  summary: 'Find what no other policy beats: solve a game of preferences.',
  options,
  examples: [
    'gimbal nash-md --game cyclic --reference 0.7,0.2,0.1 --kl-coef 0.1',
    'gimbal nash-md --game preferences.csv --solver extragradient --steps 5000',
    'gimbal nash-md --game game.json --json        {"preferences": [[0.5, 0.8], [0.2, 0.5]], "labels": ["a", "b"]}',
  ],
  async run(context) {
    const { game } = context.options;
    if (game === undefined) {
      throw new ConfigError({
        where: 'gimbal nash-md',
        what: 'nothing to solve',
        wanted: '--game',
        fix: 'For example gimbal nash-md --game cyclic',
      });
    }
    return solveGame({ ...context, options: { ...context.options, game } });
  },
});
