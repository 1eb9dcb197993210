// The newsroom as a token world (rlef.md 5.1): a decoder of 65 thousand weights over its 65 words, and how it reads and writes.
//   <bos> article <sep> summary <eos>
import { decoder, padBatch } from '@gimbal/language-models';
import { type Params, rng, type TextCodec, type TokenBatch } from '@gimbal/tensor-core';
import { type Article, type Newsroom, newsroom } from '@gimbal/worlds';

export const desk = newsroom();
/** P(entailment) that the judge gives to what it takes to be false; the floor of a summary without an end */
export const epsilon = 0.03;
export const floor = Math.log(epsilon);

const { bos, sep, eos, pad } = desk.ids;

/** Words beside the world's own, such as CTRL's two prefixes. */
export const extraWords = 2;

export const policy = decoder({
  family: 'gpt2',
  vocabularySize: desk.vocabulary.length + extraWords,
  contextLength: 48,
  width: 48,
  layers: 2,
  heads: 4,
  tieEmbeddings: false,
  // GPT-2's .02 is for widths of a thousand and more
  initializerRange: 0.8 / Math.sqrt(48),
  eosIds: [eos],
  padId: pad,
});

/** Ids of a prompt: what is before the article, the article, the separator. */
export const promptIds = (article: string, before: readonly number[] = []): number[] => [
  bos,
  ...before,
  ...desk.encode(article),
  sep,
];

/** Articles to tokens, tokens to summaries; a mark in a summary's middle is kept as the word it has. */
export const codecWith = (before: readonly number[] = []): TextCodec => ({
  encode: (articles) =>
    padBatch(
      articles.map((article) => promptIds(article, before)),
      pad,
    ),
  decode: ({ ids, width, lengths }) =>
    Array.from(lengths, (n, b) =>
      Array.from(ids.subarray(b * width, b * width + n))
        .filter((id) => id !== eos)
        .map((id) => desk.vocabulary[id] ?? '<extra>')
        .join(' '),
    ),
});

export const codec = codecWith();

/** A summary, and whether it came to an end. */
export interface Written {
  readonly text: string;
  readonly ended: boolean;
}

/** One summary of each article, of at most 14 tokens. @param temperature 0 = greedy */
export async function write(
  params: Params,
  articles: readonly string[],
  o: { temperature: number; seed: string; before?: readonly number[]; signal: AbortSignal },
): Promise<Written[]> {
  const out: Written[] = [];
  const stream = rng(0).split('write').split(o.seed);
  const { encode, decode } = codecWith(o.before);
  using _packed = policy.pack(params);
  for (let at = 0; at < articles.length; at += 300) {
    const some = articles.slice(at, at + 300);
    const completions: TokenBatch = await policy.sample(params, encode(some), {
      temperature: o.temperature,
      maxNewTokens: 14,
      rng: stream.split(at),
      signal: o.signal,
    });
    decode(completions).forEach((text, i) => {
      out.push({ text, ended: completions.ended?.[i] === 1 });
    });
  }
  return out;
}

/** The articles that claims measure on, the same for every policy. */
export const heldOut = (n = 300, world: Newsroom = desk): Article[] => world.articles(n, rng(99).split('held-out'));

export const isEntailed = (article: Article, text: string, world: Newsroom = desk): boolean =>
  world.entails(article, text).label === 'entailment';
