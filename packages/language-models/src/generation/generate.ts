// Generation from texts to texts, at once or as a stream.
import { ConfigError, checkCount, type LogitPolicy, type Params } from '@gimbal/tensor-core';
import { padBatch } from '../data/token-batch.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Completion, CompletionPart, EndReason, GenerateOptions } from './completion.ts';
import { decodeTokens, type Steps } from './decode-tokens.ts';
import { generateBeams } from './generate-beams.ts';
import { defaultNewTokens, promptRows } from './prompt-rows.ts';
import { TextTail } from './text-tail.ts';

/**
 * Writes a completion for each prompt, or several.
 * @throws DataError for an empty prompt or one that leaves no room in the context; ConfigError for options;
 * StoppedError when the signal asks for it
 * @example
 * const [{ text }] = await generate(model, params, tokenizer, ['12 + 7 ='], { temperature: 0, rng: rng(0) });
 */
export async function generate(
  policy: LogitPolicy & Partial<Steps>,
  params: Params,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  o: GenerateOptions,
): Promise<Completion[]> {
  checkOptions(policy, tokenizer, o);
  if (o.beams !== undefined && o.beams > 1) return generateBeams(policy, params, tokenizer, prompts, o);
  const done = Array.from({ length: prompts.length * (o.samples ?? 1) }, () => ({
    text: '',
    ids: [] as number[],
    logProbs: [] as number[],
    end: 'length' as EndReason,
  }));
  for await (const { row, text, id, logProb, end } of generateStream(policy, params, tokenizer, prompts, o)) {
    const completion = done[row] as (typeof done)[number];
    completion.text += text;
    completion.ids.push(id);
    completion.logProbs.push(logProb);
    if (end !== undefined) completion.end = end;
  }
  return done;
}

/**
 * The same, part by part as it is written: for each step one part of every row that goes on. Leaving the loop ends the
 * generation.
 * @throws as `generate`
 */
export async function* generateStream(
  policy: LogitPolicy & Partial<Steps>,
  params: Params,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  o: GenerateOptions,
): AsyncGenerator<CompletionPart, void, undefined> {
  const { stopStrings = [], samples = 1, rng, signal } = o;
  checkOptions(policy, tokenizer, o);
  if (o.beams !== undefined && o.beams > 1) {
    const fix = 'Call generate, which waits for the end of the search';
    throw new ConfigError({ where: 'generateStream.beams', what: 'a beam search has no stream', got: o.beams, fix });
  }
  const {
    eosIds,
    padId,
    rows: each,
  } = promptRows(tokenizer, prompts, { ...o, whole: policy.readsWholePrompts ?? false });
  const { maxNewTokens = defaultNewTokens(policy, each) } = o;
  const rows = each.flatMap((ids) => Array.from({ length: samples }, () => ids));
  const tails = rows.map(() => new TextTail(tokenizer, stopStrings));
  const ended = rows.map(() => false);

  const { temperature, topK, topP, minP, repetitionPenalty, logitsProcessors } = o;
  const steps = decodeTokens(policy, params, padBatch(rows, padId), {
    maxNewTokens,
    eosIds,
    padId,
    rng,
    logProbs: true,
    stop: (row, id) => (tails[row] as TextTail).add(id),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topK === undefined ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(minP === undefined ? {} : { minP }),
    ...(repetitionPenalty === undefined ? {} : { repetitionPenalty }),
    ...(logitsProcessors === undefined ? {} : { logitsProcessors }),
    ...(signal === undefined ? {} : { signal }),
  });
  const isEos = new Set(eosIds);
  let written = 0;
  for await (const step of steps) {
    written++;
    for (const [row, tail] of tails.entries()) {
      if (ended[row]) continue;
      const id = step.ids[row] as number;
      const last = step.ended[row] === 1 || written === maxNewTokens;
      const reason: EndReason = tail.stopped ? 'stop' : isEos.has(id) ? 'eos' : 'length';
      ended[row] = last;
      const text = last ? tail.finish() : tail.take();
      yield { row, text, id, logProb: step.logProbs?.[row] ?? 0, ...(last ? { end: reason } : {}) };
    }
  }
}

/**
 * Looks at options before anything is made of them.
 * @throws ConfigError for counts below 1, a stop string without a character, or an id of no token
 */
function checkOptions(
  policy: LogitPolicy & { readonly config?: { readonly vocabularySize?: number } },
  tokenizer: Tokenizer,
  o: GenerateOptions,
): void {
  for (const name of ['samples', 'beams'] as const) checkCount(`generation.${name}`, o[name] ?? 1);
  const { stopStrings = [], eosIds = [] } = o;
  if (stopStrings.includes('')) {
    const fix = 'Leave it out: every text contains the empty one';
    throw new ConfigError({ where: 'generation.stopStrings', what: 'a stop string is empty', got: stopStrings, fix });
  }
  // a model may have more rows than its tokenizer has tokens, and a tokenizer tokens that its model has not
  const size = Math.max(tokenizer.size, policy.config?.vocabularySize ?? 0);
  const foreign = eosIds.find((id) => !(Number.isSafeInteger(id) && id >= 0 && id < size));
  if (foreign === undefined) return;
  const wanted = `whole numbers from 0 to ${size - 1}`;
  throw new ConfigError({ where: 'generation.eosIds', what: 'it is no token’s id', got: foreign, wanted });
}
