// What needs a model that writes on from its prompt refuses an encoder-decoder, before anything of it is read.
import { existsSync } from 'node:fs';
import { ConfigError } from '@gimbal/tensor-core';
import { isSeq2Seq } from './is-seq2seq.ts';
import { modelPath } from './model-path.ts';
import { orNamedRun } from './named-run.ts';

const whatLearns =
  'gimbal sft trains it on rows of prompt and completion, gimbal gkd on what a larger one of its kind says; for this, take a decoder (Llama, Qwen, Gemma, GPT-2, …)';

/**
 * @param where the flag, as `gimbal rl --model`
 * @param name as a person gives it. One on the hub is let pass: whoever has downloaded it asks again, by its path
 * @param fix what to do instead
 * @throws ConfigError for an encoder-decoder; what `modelPath` throws
 */
export async function refuseSeq2Seq(where: string, name: string, fix = whatLearns): Promise<void> {
  if (!existsSync(orNamedRun(name)) || !(await isSeq2Seq(await modelPath(name, where)))) return;
  const what = 'this is an encoder-decoder (T5)';
  throw new ConfigError({ where, what, got: name, wanted: 'a decoder', fix });
}
