// Encoder-decoders behind an address, in a page.
import { addressSource } from './pretrained.browser.ts';
import { type PretrainedSeq2Seq, readSeq2Seq } from './read-seq2seq.ts';

/**
 * Opens the model folder at an address: T5, T5 v1.1 or Flan-T5.
 * @param address of the folder; relative ones count from the page
 * @throws CheckpointError for a missing or damaged file, an architecture that is not known here, or tensors that are not
 * the config's
 */
export const loadSeq2Seq = (address: string | URL): Promise<PretrainedSeq2Seq> => readSeq2Seq(addressSource(address));
