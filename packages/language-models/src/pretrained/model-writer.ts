// How a trainer's checkpoints get their model folder. Node's part of the package brings the writers (pretrained.node.ts,
// encoders.node.ts); a page has no folders, so trainers there do without.
import type { Params } from '@gimbal/tensor-core';
import type { AdaptableConfig } from '../adapters/adaptable.ts';
import type { LoraAdapter } from '../adapters/lora.ts';
import type { Classifier } from '../classification/classifier.ts';
import type { LanguageModel } from '../decoder/decoder.ts';
import type { Seq2SeqModel } from '../seq2seq/seq2seq.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Writes the files of a model into a folder that its caller makes complete. */
export type Writer<M> = (folder: string, model: M, params: Params, o: { tokenizer?: Tokenizer }) => Promise<void>;

/** Writes a classifier's files into a folder that its caller makes complete. */
export type ClassifierWriter = Writer<Classifier>;

/** Writes the files of an adapter. */
type AdapterWriter = (
  folder: string,
  config: AdaptableConfig,
  adapter: LoraAdapter,
  o: { tokenizer?: Tokenizer },
) => Promise<void>;

let registeredAdapter: AdapterWriter | undefined;
let registered: Writer<LanguageModel> | undefined;
let registeredClassifier: ClassifierWriter | undefined;
let registeredSeq2Seq: Writer<Seq2SeqModel> | undefined;

/** Sets the writer of this process. */
export function registerModelWriter(writer: Writer<LanguageModel>): void {
  registered = writer;
}

/** Sets the writer of classifiers. */
export function registerClassifierWriter(writer: ClassifierWriter): void {
  registeredClassifier = writer;
}

/** Sets the writer of encoder-decoders. */
export function registerSeq2SeqWriter(writer: Writer<Seq2SeqModel>): void {
  registeredSeq2Seq = writer;
}

/** The writer of encoder-decoders; undefined in a page. */
export const seq2seqWriter = (): Writer<Seq2SeqModel> | undefined => registeredSeq2Seq;

/** The writer; undefined in a page. */
export const modelWriter = (): Writer<LanguageModel> | undefined => registered;

/** What trainers write a classifier's folder with; undefined in a page, which has no folders. */
export const classifierWriter = (): ClassifierWriter | undefined => registeredClassifier;

/** Sets the writer of adapters. */
export function registerAdapterWriter(writer: AdapterWriter): void {
  registeredAdapter = writer;
}

/** The writer of adapters; undefined in a page. */
export const adapterWriter = (): AdapterWriter | undefined => registeredAdapter;
