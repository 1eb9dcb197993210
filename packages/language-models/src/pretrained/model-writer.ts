// How a trainer's checkpoints get their model folder. Node's part of the package brings the writers (pretrained.node.ts,
// encoders.node.ts); a page has no folders, so trainers there do without.
import type { Params } from '@gimbal/tensor-core';
import type { Classifier } from '../classification/classifier.ts';
import type { LanguageModel } from '../decoder/decoder.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Writes the files of a model into a folder that its caller makes complete. */
type Writer<M> = (folder: string, model: M, params: Params, o: { tokenizer?: Tokenizer }) => Promise<void>;

let registered: Writer<LanguageModel> | undefined;
let registeredClassifier: Writer<Classifier> | undefined;

/** Sets the writer of this process. */
export function registerModelWriter(writer: Writer<LanguageModel>): void {
  registered = writer;
}

/** Sets the writer of classifiers. */
export function registerClassifierWriter(writer: Writer<Classifier>): void {
  registeredClassifier = writer;
}

/** The writer; undefined in a page. */
export const modelWriter = (): Writer<LanguageModel> | undefined => registered;

/** The writer of classifiers; undefined in a page. */
export const classifierWriter = (): Writer<Classifier> | undefined => registeredClassifier;
