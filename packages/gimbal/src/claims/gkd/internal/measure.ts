// What a model writes on prompts that it was not trained on.
import { type LanguageModel, rougeN } from '@gimbal/language-models';
import { type Params, rng, type TokenBatch } from '@gimbal/tensor-core';
import { exp, logSoftmax, matMul, mul, neg, reshape, sum, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import type { ToyRow, ToyTask } from './toy-task.ts';

/** Of 500 fresh prompts. */
export interface Student {
  /** share that are answered right, greedily */
  score: number;
  /** of the student's next-token distributions on what it writes at temperature 1, nats a token */
  entropy: number;
  /** share that says nothing false, greedily; 0 where the task does not tell */
  faithful: number;
  /** mean ROUGE-2 of greedy completions and the answers */
  rouge2: number;
}

/** Greedy completions are judged; entropy is of sampled ones. */
export async function measure(
  task: ToyTask,
  model: LanguageModel,
  params: Params,
  rows: readonly ToyRow[],
  seed: number,
): Promise<Student> {
  const prompts = task.vocabulary.encode(rows.map((row) => row.prompt));
  const stream = rng(seed).split('claims.gkd.measure');
  const o = { maxNewTokens: task.answerLength, rng: stream };
  const greedy = await model.sample(params, prompts, { ...o, temperature: 0 });
  const texts = task.vocabulary.decode(greedy);
  const right = rows.filter(({ prompt }, i) => greedy.ended?.[i] === 1 && task.check(prompt, texts[i] as string));
  const sampled = await model.sample(params, prompts, { ...o, temperature: 1 });
  const faithful = rows.filter(({ prompt }, i) => task.faithful?.(prompt, texts[i] as string)).length / rows.length;
  const overlap = rows.reduce((sum, { completion }, i) => sum + rougeN(texts[i] as string, completion, 2).f1, 0);
  return {
    ...{ score: right.length / rows.length, entropy: entropyOn(model, params, prompts, sampled) },
    ...{ faithful, rouge2: overlap / rows.length },
  };
}

/** Mean entropy of the distributions that the completions' tokens were drawn from. */
function entropyOn(model: LanguageModel, params: Params, prompts: TokenBatch, completions: TokenBatch): number {
  const each = tidy(() => {
    const { states, head } = model.hidden?.(params, prompts, completions) ?? refuse();
    const rows = states.shape[0] * states.shape[1];
    const logQ = logSoftmax(matMul(reshape(states, [rows, states.shape[2]]) as Tensor2D, head, false, true));
    return neg(sum(mul(exp(logQ), logQ), 1)).dataSync<'float32'>();
  });
  let [total, count] = [0, 0];
  for (const [b, length] of completions.lengths.entries())
    for (let t = 0; t < length; t++, count++) total += each[b * completions.width + t] as number;
  return total / count;
}

function refuse(): never {
  throw new Error('a decoder without capped logits has states');
}
