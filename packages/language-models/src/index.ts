/** @module @gimbal/language-models */

export { loadAdapter, type SaveAdapterOptions, saveAdapter, writeAdapterFiles } from './adapters/adapter-files.node.ts';
export { readRows } from './data/read-rows.node.ts';
export { writeRows } from './data/write-rows.node.ts';
export * from './everywhere.ts';
export { loadGguf, type SaveGgufOptions, saveGguf } from './gguf/gguf.node.ts';
export { loadClassifier, loadEncoder, saveClassifier, saveEncoder } from './pretrained/encoders.node.ts';
export { downloadModel, type HubOptions, localModel } from './pretrained/hub.node.ts';
export {
  loadConfig,
  loadPretrained,
  loadTokenizer,
  replaceModelFolder,
  type SavePretrainedOptions,
  savePretrained,
  writeModelFiles,
} from './pretrained/pretrained.node.ts';
export { loadSeq2Seq, saveSeq2Seq } from './pretrained/seq2seq.node.ts';
