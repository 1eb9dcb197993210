// Teacher, student, student in 4 bits: what each weighs, how fast it writes, what it scores, how far it is from the
// teacher on what it writes itself.
import { evaluateDistillation, type Teacher } from '@gimbal/gkd';
import type { Tokenizer } from '@gimbal/language-models';
import { type LogitPolicy, type Params, rng, treeBytes } from '@gimbal/tensor-core';
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

/** Greedy completions, timed. */
async function written(
  { policy, params }: Contestant,
  j: Judging,
): Promise<{ completions: string[]; tokensPerSecond: number }> {
  const codec = promptCodec(j.tokenizer, policy.readsWholePrompts);
  const completions: string[] = [];
  let [tokens, seconds] = [0, 0];
  using _packed = policy.pack?.(params);
  for (let from = 0; from < j.prompts.length; from += rowsAtOnce) {
    const batch = codec.encode(j.prompts.slice(from, from + rowsAtOnce));
    const began = performance.now();
    const made = await policy.sample(params, batch, {
      ...{ temperature: 0, maxNewTokens: j.maxNewTokens, signal: j.signal, rng: rng(j.seed) },
    });
    seconds += (performance.now() - began) / 1000;
    tokens += made.lengths.reduce((a, b) => a + b, 0);
    completions.push(...codec.decode(made));
  }
  return { completions, tokensPerSecond: tokens / seconds };
}
