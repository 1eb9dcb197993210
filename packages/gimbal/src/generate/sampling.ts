// The options that say how a completion is written, and what they are where the model's folder says otherwise.
import type { GenerationDefaults, LogitsProcessor } from '@gimbal/language-models';
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';

export const samplingOptions = z.object({
  maxNewTokens: z.int().min(1).optional().describe("most tokens to write (default: the model's own limit, else 64)"),
  temperature: z.number().min(0).optional().describe("0 is greedy (default: the model's own, else 1)"),
  topK: z.int().min(0).optional().describe('draw from the k likeliest tokens only; 0 = all'),
  topP: z.number().positive().max(1).optional().describe('draw from the smallest set of this probability; 1 = all'),
  minP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('draw only tokens this share as probable as the likeliest; 0 = all'),
  repetitionPenalty: z.number().positive().optional().describe('above 1: tokens that were there are less likely'),
  noRepeatNgram: z.int().min(0).optional().describe('no sequence of so many tokens comes twice; 0 = no limit'),
  samples: z.int().min(1).default(1).describe('completions of each prompt'),
  beams: z.int().min(1).optional().describe('search the likeliest with so many at a time; 1 = no search'),
  stop: z.array(z.string().min(1)).optional().describe('a completion ends before the first of these texts'),
});

export type Sampling = z.output<typeof samplingOptions>;

/** Without a limit of the user's or the model's. */
export const defaultTokens = 64;

/**
 * @param g what the model's folder says, once it is open
 * @throws ConfigError for more completions of a prompt than a search of the likeliest holds
 */
export function checkBeams(command: string, { samples, beams }: Sampling, g: GenerationDefaults = {}): void {
  const width = beams ?? g.beams ?? 1;
  if (width === 1 || samples <= width) return;
  throw new ConfigError({
    where: `gimbal ${command} --samples`,
    what: 'a search has no more completions than it holds at a time',
    got: samples,
    wanted: `at most ${width}, ${beams === undefined ? 'as the model’s folder says' : 'as --beams says'}`,
    fix: beams === undefined ? 'Give --beams 1 to draw them' : 'Raise --beams, or leave it out to draw them',
  });
}

/** What was asked for, then what the model's folder says, then the library's own. */
export async function samplingOf(o: Sampling, g: GenerationDefaults) {
  const { noRepeatNgrams } = await import('@gimbal/language-models');
  const beams = o.beams ?? g.beams ?? 1;
  const size = o.noRepeatNgram ?? g.noRepeatNgramSize ?? 0;
  const logitsProcessors: LogitsProcessor[] = size > 0 ? [noRepeatNgrams(size)] : [];
  const drawing = {
    temperature: o.temperature ?? g.temperature ?? 1,
    topK: o.topK ?? g.topK ?? 0,
    topP: o.topP ?? g.topP ?? 1,
    minP: o.minP ?? g.minP ?? 0,
  };
  return {
    // a search draws nothing; what was asked for all the same is refused by it
    ...(beams > 1
      ? {
          beams,
          ...(g.lengthPenalty === undefined ? {} : { lengthPenalty: g.lengthPenalty }),
          ...(g.earlyStopping === undefined ? {} : { earlyStopping: g.earlyStopping }),
          ...(o.temperature === undefined ? {} : { temperature: o.temperature }),
        }
      : drawing),
    samples: o.samples,
    repetitionPenalty: o.repetitionPenalty ?? g.repetitionPenalty ?? 1,
    stopStrings: o.stop ?? g.stopStrings ?? [],
    logitsProcessors,
    ...(g.eosIds === undefined ? {} : { eosIds: g.eosIds }),
  };
}
