/** @module @gimbal/language-models */

export * from './everywhere.ts';
export { loadGguf } from './gguf/gguf.browser.ts';
export { loadClassifier, loadEncoder } from './pretrained/encoders.browser.ts';
export { hubAddress } from './pretrained/hub.browser.ts';
export { loadPretrained, loadTokenizer } from './pretrained/pretrained.browser.ts';
export { loadSeq2Seq } from './pretrained/seq2seq.browser.ts';
