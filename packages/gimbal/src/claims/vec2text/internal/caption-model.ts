// A language model of the same sentences, the judge of what others write: a decoder cannot judge itself.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CausalLmTrainer,
  dataset,
  decoder,
  loadPretrained,
  savePretrained,
  type Tokenizer,
} from '@gimbal/language-models';
import { cloneTree, disposeTree, rng, StoppedError, schedules } from '@gimbal/tensor-core';
import type { ClaimContext } from '../../../reproduce/claim.ts';
import { checkpointIn } from '../../../run/going-on.ts';
import { meanLogProbs } from '../../../vec2text/likelihood.ts';
import { isFolder } from '../../../vec2text/open.ts';

/** Which texts are as likely as real ones are. */
export interface Judge {
  /** The share of texts whose mean log-probability is above that of all but a twentieth of the real ones. */
  valid(texts: readonly string[]): Promise<number>;
  dispose(): void;
}

/** Trains the judge into a folder, or opens it there. @param real sentences that it does not learn */
export async function judgeOf(
  folder: string,
  o: { train: readonly string[]; real: readonly string[]; tokenizer: Tokenizer; steps: number; seed: number },
  c: ClaimContext,
): Promise<Judge> {
  const path = join(folder, 'model');
  if (!(await isFolder(path))) await train(folder, path, o, c);
  const { model, params } = await loadPretrained(path);
  const score = (texts: readonly string[]): Promise<number[]> =>
    meanLogProbs({ model, params, tokenizer: o.tokenizer }, texts, o.tokenizer.special.eos);
  const real = (await score(o.real)).sort((a, b) => a - b);
  const least = real[Math.floor(real.length / 20)] as number;
  return {
    valid: async (texts) => (await score(texts)).filter((x) => x >= least).length / texts.length,
    dispose: () => disposeTree(params),
  };
}

async function train(
  folder: string,
  path: string,
  { train: texts, tokenizer, steps, seed }: Parameters<typeof judgeOf>[1],
  { signal, note }: ClaimContext,
): Promise<void> {
  const model = decoder({ vocabularySize: tokenizer.size, contextLength: 64, width: 128, layers: 2, heads: 4 });
  const params = model.init(rng(seed).split('judge'));
  const options = {
    ...{ model, params, tokenizer, seed, data: dataset(texts.map((text) => ({ text }))) },
    ...{ out: join(folder, 'training'), batchSize: 16, checkpointEvery: 500, logEvery: 50 },
    learningRate: schedules.cosine({ peak: 2e-3, steps, warmup: Math.floor(steps / 20), final: 1e-4 }),
  };
  await mkdir(folder, { recursive: true });
  const begun = await checkpointIn(options.out, note);
  try {
    using trainer = begun === undefined ? new CausalLmTrainer(options) : await CausalLmTrainer.resume(begun, options);
    for await (const { step, loss } of trainer.train({ steps, signal }))
      if (step % 500 === 0) note(`E17 language model: step ${step}, loss ${loss.toFixed(3)}`);
    if (trainer.stopReason === 'signal')
      throw new StoppedError({
        where: 'gimbal reproduce vec2text',
        what: 'stopped while a language model was trained',
      });
    const trained = cloneTree(trainer.params);
    await savePretrained(path, model, trained);
    disposeTree(trained);
  } finally {
    disposeTree(params);
  }
}
