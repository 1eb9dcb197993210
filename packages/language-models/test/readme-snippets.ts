// The README's snippets, each in a function of its own: `tsc` checks them, the README's test that they are the same, and
// nothing runs them.
import { type Params, rng } from '@gimbal/tensor-core';
import {
  allowTokens,
  generate,
  generateStream,
  type LanguageModel,
  loadPretrained,
  loadSeq2Seq,
  type Tokenizer,
} from '../src/index.ts';

declare const prompt: string;
declare const question: string;
declare function show(text: string): void;

export async function inAPage(): Promise<void> {
  const { model, params, tokenizer } = await loadPretrained('/models/newsroom/'); // or hubAddress('owner/name')
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  for await (const { text } of generateStream(model, params, tokenizer, [prompt], { rng: rng(0) })) show(text);
}

export async function generation(model: LanguageModel, params: Params, tokenizer: Tokenizer): Promise<unknown> {
  const yesOrNo = allowTokens(() => [tokenizer.id('yes') as number, tokenizer.id('no') as number]);
  const o = { maxNewTokens: 1, logitsProcessors: [yesOrNo], rng: rng(0) };
  const [answer] = await generate(model, params, tokenizer, [question], o); // answer?.text
  const [best, second] = await generate(model, params, tokenizer, [prompt], { beams: 4, samples: 2, rng: rng(0) });
  return [answer?.text, best, second];
}

export async function encoderDecoders(): Promise<unknown> {
  const { model, params, tokenizer } = await loadSeq2Seq('flan-t5-small');
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  const asked = ['translate to German: the cat'];
  const [answer] = await generate(model, params, tokenizer, asked, { temperature: 0, rng: rng(0) }); // answer?.text
  return answer?.text;
}
