// Completions of texts by beam search.
import { ConfigError, type LogitPolicy, type Params } from '@gimbal/tensor-core';
import { padBatch } from '../data/token-batch.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { beamSearch } from './beam-search.ts';
import type { Completion, GenerateOptions } from './completion.ts';
import type { Steps } from './decode-tokens.ts';
import { defaultNewTokens, promptRows } from './prompt-rows.ts';
import { TextTail } from './text-tail.ts';

/**
 * The `samples` best completions of each prompt.
 * @throws ConfigError for more samples than beams, for options that draw, and for a policy whose rows cannot be selected
 */
export async function generateBeams(
  policy: LogitPolicy & Partial<Steps>,
  params: Params,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  o: GenerateOptions,
): Promise<Completion[]> {
  const { beams = 1, samples = 1, stopStrings = [], temperature = 0, topK = 0, topP = 1, minP = 0 } = o;
  const where = 'generation.beams';
  if (!(Number.isSafeInteger(samples) && samples >= 1 && samples <= beams)) {
    const wanted = `1 to the number of beams, ${beams}`;
    throw new ConfigError({ where: 'generation.samples', what: 'out of range', got: samples, wanted });
  }
  if (temperature !== 0 || topK !== 0 || topP !== 1 || minP !== 0) {
    const fix = 'Leave out temperature, topK, topP and minP, or beams';
    throw new ConfigError({ where, what: 'a beam search draws nothing', fix });
  }
  if (policy.select === undefined)
    throw new ConfigError({ where, what: 'this policy cannot select rows of its state' });

  const { rows, eosIds, padId } = promptRows(tokenizer, prompts, { ...o, whole: policy.readsWholePrompts ?? false });
  const tailOf = (ids: readonly number[]): TextTail => {
    const tail = new TextTail(tokenizer, stopStrings);
    for (const id of ids) if (tail.add(id)) break;
    return tail;
  };
  const { lengthPenalty, earlyStopping, repetitionPenalty, logitsProcessors, signal } = o;
  const { maxNewTokens = defaultNewTokens(policy, rows) } = o;
  const found = await beamSearch(policy as LogitPolicy & Pick<Steps, 'select'>, params, padBatch(rows, padId), {
    beams,
    maxNewTokens,
    eosIds,
    ...(stopStrings.length === 0 ? {} : { stop: (_, ids) => tailOf(ids).stopped }),
    ...(lengthPenalty === undefined ? {} : { lengthPenalty }),
    ...(earlyStopping === undefined ? {} : { earlyStopping }),
    ...(repetitionPenalty === undefined ? {} : { repetitionPenalty }),
    ...(logitsProcessors === undefined ? {} : { logitsProcessors }),
    ...(signal === undefined ? {} : { signal }),
  });
  return found.flatMap((each) =>
    each.slice(0, samples).map(({ ids, logProbs, end }): Completion => {
      const tail = tailOf(end === 'eos' ? ids.slice(0, -1) : ids);
      return { text: tail.finish(), ids, logProbs, end: tail.stopped ? 'stop' : end };
    }),
  );
}
