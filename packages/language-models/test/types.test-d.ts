// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import { type LogitPolicy, type Params, rng, type TextCodec, type Trainer, type TrainStep } from '@gimbal/tensor-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import {
  type CausalLmOptions,
  CausalLmTrainer,
  type Classifier,
  type ClassifierOptions,
  ClassifierTrainer,
  type Completion,
  type Dataset,
  type DecodeStep,
  dataset,
  decoder,
  decodeTokens,
  type EndReason,
  generate,
  generateStream,
  isKind,
  type LanguageModel,
  type loadPretrained,
  loadTokenizer,
  type PromptCompletionRow,
  parseJsonl,
  type readRows,
  type TextRow,
  type Tokenizer,
  trainTokenizer,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const params: Params;
const tokenizer: Tokenizer = trainTokenizer(['a']);
const codec: TextCodec = tokenizer;
check<Same<typeof tokenizer.special.eos, number | undefined>>();

// rows know their kind
const rows = parseJsonl('', 'x.jsonl', { kind: 'prompt-completion' });
check<Same<(typeof rows)['rows'][number], PromptCompletionRow>>();
const any: Dataset = rows;
if (isKind(any, 'text')) check<Same<(typeof any)['rows'][number], TextRow>>();
check<Same<Awaited<ReturnType<typeof readRows<'text'>>>, Dataset<'text'>>>();
// @ts-expect-error no such kind
parseJsonl('', 'x.jsonl', { kind: 'preferences' });
// @ts-expect-error rows are checked when they are read, not changed afterwards
rows.rows.push({ prompt: '', completion: '' });

// a decoder is a policy of whole distributions
const model: LanguageModel = decoder({ vocabularySize: tokenizer.size });
const policy: LogitPolicy = model;
check<Same<ReturnType<LanguageModel['apply']>, Tensor3D>>();
check<Same<ReturnType<LanguageModel['head']>, Tensor2D>>();
// @ts-expect-error the size of the vocabulary has no default
decoder({ width: 64 });
// @ts-expect-error no such family
decoder({ vocabularySize: 8, family: 'mamba' });

// generation
const done: Promise<Completion[]> = generate(model, params, tokenizer, ['a'], { rng: rng(0) });
check<Same<Completion['end'], EndReason>>();
for await (const part of generateStream(policy, params, tokenizer, ['a'], { rng: rng(0), stopStrings: ['.'] }))
  check<Same<typeof part.end, EndReason | undefined>>();
declare const prompts: Parameters<typeof decodeTokens>[2];
for await (const step of decodeTokens(policy, params, prompts, { maxNewTokens: 4, rng: rng(0) }))
  check<Same<typeof step, DecodeStep>>();
// @ts-expect-error draws need a stream
void generate(model, params, tokenizer, ['a'], { temperature: 1 });
// @ts-expect-error prompts are a list
void generate(model, params, tokenizer, 'a', { rng: rng(0) });

// a trainer needs what has no default, and gives the loop's steps
const options: CausalLmOptions = { model, params, tokenizer, data: any, seed: 0 };
declare const classifier: Classifier;
new ClassifierTrainer({ model: classifier, params, tokenizer, data: any, seed: 0 } satisfies ClassifierOptions);
const trainer: Trainer<TrainStep> = new CausalLmTrainer(options);
check<Same<Awaited<ReturnType<typeof CausalLmTrainer.resume>>, CausalLmTrainer>>();
// @ts-expect-error there is nothing to train on
new CausalLmTrainer({ model, params, tokenizer, seed: 0 });
// @ts-expect-error no such end of a row
new CausalLmTrainer({ ...options, keep: 'middle' });
new CausalLmTrainer({ ...options, data: dataset([{ text: 'a' }]), learningRate: (step) => 1 / (step + 1) });

// a folder may have no tokenizer; one that is asked for is there or an error
check<Same<Awaited<ReturnType<typeof loadPretrained>>['tokenizer'], Tokenizer | undefined>>();
const there: Tokenizer = await loadTokenizer('folder');
// @ts-expect-error it may be absent where it is not required
const absent: Tokenizer = await loadTokenizer('folder', false);

void [codec, done, trainer, there, absent];
