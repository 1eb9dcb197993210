// Teacher, student, student in 4 bits: what each weighs, how fast it writes, what it scores, how far it is from the
// teacher on what it writes itself.
import { evaluateDistillation, type Teacher } from '@gimbal/gkd';
import type { Tokenizer } from '@gimbal/language-models';
import { type LogitPolicy, type Params, rng, type TokenBatch, treeBytes } from '@gimbal/tensor-core';
import { promptCodec } from '../rl/prompt-codec.ts';

/** A model of the table. */
export interface Contestant {
  name: string;
  policy: LogitPolicy & { pack?(params: Params): Disposable; readonly readsWholePrompts?: boolean };
  params: Params;
  /** of its file; default: of its parameters in memory */
  bytes?: number | undefined;
}

/** A line of the table. */
export interface Judged {
  name: string;
  bytes: number;
  /** written greedily, all prompts at once in batches */
  tokensPerSecond: number;
  /** of greedy completions; undefined without a measure */
  score?: number | undefined;
  /** on its own samples at temperature 1, means over tokens; 0 and 1 for the teacher itself; NaN: other tokens do not tell */
  fkl: number;
  rkl: number;
  /** Σ min(p, q) = 1 − TVD: the share of its tokens that the teacher would accept as a draft */
  acceptance: number;
  /** mean KL(q‖p) of each place in the completion */
  byPosition: readonly number[];
  /** sampled completions that a teacher of other tokens cannot read: the divergences leave them out */
  unread?: number;
  /** greedy completions of the prompts, in order */
  completions: string[];
}

interface Judging {
  teacher: Teacher;
  tokenizer: Tokenizer;
  prompts: readonly string[];
  /** of a teacher with another tokenizer: the prompts as it reads them */
  teacherPrompts?: readonly string[] | undefined;
  /** of models whose logits have other widths: the tokenizer's ids alone are compared */
  alignVocab?: boolean | undefined;
  maxNewTokens: number;
  seed: number;
  signal: AbortSignal;
  /** of each completion */
  score?: ((completions: readonly string[]) => Promise<number[]> | number[]) | undefined;
}

const rowsAtOnce = 16;

/** Measures one model. @throws StoppedError */
export async function judgeModel(model: Contestant, j: Judging): Promise<Judged> {
  const { policy, params } = model;
  const { completions, tokensPerSecond } = await written(model, j);
  const scores = await j.score?.(completions);
  const evaluation = evaluateDistillation({
    ...{ models: { [model.name]: { policy, params } }, tokenizer: j.tokenizer, teacher: j.teacher },
    ...{ alignVocab: j.alignVocab ?? false },
    ...(j.teacherPrompts && { alignment: 'spans' as const, teacherPrompts: j.teacherPrompts }),
    ...{ prompts: j.prompts, decode: [{ temperature: 1, samples: 1 }], metric: () => 0 },
    ...{ maxNewTokens: j.maxNewTokens, batchSize: rowsAtOnce, seed: j.seed, signal: j.signal },
  });
  for await (const { fkl, rkl, acceptance, rklByPosition, unread } of evaluation) {
    return {
      ...{ name: model.name, bytes: model.bytes ?? treeBytes(params), tokensPerSecond },
      score: scores && scores.reduce((a, b) => a + b, 0) / scores.length,
      ...{ fkl, rkl, acceptance, byPosition: rklByPosition, completions },
      ...(unread !== undefined && { unread }),
    };
  }
  throw new Error('an evaluation has a row for each model');
}

/** seconds of writing that a speed is measured over, at least */
const leastSeconds = 0.5;

/** Greedy completions, and how fast they are written, as often as it takes to tell. */
async function written(
  { policy, params }: Contestant,
  j: Judging,
): Promise<{ completions: string[]; tokensPerSecond: number }> {
  const codec = promptCodec(j.tokenizer, policy.readsWholePrompts);
  using _packed = policy.pack?.(params);
  const batches: TokenBatch[] = [];
  for (let from = 0; from < j.prompts.length; from += rowsAtOnce)
    batches.push(codec.encode(j.prompts.slice(from, from + rowsAtOnce)));
  const write = (batch: TokenBatch): Promise<TokenBatch> =>
    policy.sample(params, batch, {
      ...{ temperature: 0, maxNewTokens: j.maxNewTokens, signal: j.signal, rng: rng(j.seed) },
    });
  // what the first time compiles and allocates is not its speed
  await write(batches[0] as TokenBatch);
  let completions: string[] | undefined;
  let [tokens, seconds] = [0, 0];
  while (completions === undefined || seconds < leastSeconds) {
    const texts: string[] = [];
    for (const batch of batches) {
      const began = performance.now();
      const made = await write(batch);
      seconds += (performance.now() - began) / 1000;
      tokens += made.lengths.reduce((a, b) => a + b, 0);
      texts.push(...codec.decode(made));
    }
    completions ??= texts;
  }
  return { completions, tokensPerSecond: tokens / seconds };
}
