// How a trainer's checkpoints get their model folder. Node's part of the package brings the writer (pretrained.node.ts); a
// page has no folders, so trainers there do without.
import type { Params } from '@gimbal/tensor-core';
import type { LanguageModel } from '../decoder/decoder.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Writes the files of a model into a folder that its caller makes complete. */
type ModelWriter = (
  folder: string,
  model: LanguageModel,
  params: Params,
  o: { tokenizer?: Tokenizer },
) => Promise<void>;

let registered: ModelWriter | undefined;

/** Sets the writer of this process. */
export function registerModelWriter(writer: ModelWriter): void {
  registered = writer;
}

/** The writer; undefined in a page. */
export const modelWriter = (): ModelWriter | undefined => registered;
