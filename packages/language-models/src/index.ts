/** @module @gimbal/language-models */
export { padBatch, rowOf } from './data/token-batch.ts';
export type { Span } from './tokenizer/spans.ts';
export { type SpecialIds, Tokenizer } from './tokenizer/tokenizer.ts';
export type { AddedToken, TokenizerConfig, TokenizerJson } from './tokenizer/tokenizer-json.ts';
export { type TrainTokenizerOptions, trainTokenizer } from './tokenizer/train-tokenizer.ts';
