// What the package has in Node and in the page alike.
export type { AdaptableConfig, AdapterBase } from './adapters/adaptable.ts';
export { adaptedModel } from './adapters/adapted-model.ts';
export { adaptTree, createLora, disposeAdapter, type LoraAdapter, mergeLora, unmergeLora } from './adapters/lora.ts';
export { type LoraConfig, type LoraOptions, loraConfig } from './adapters/lora-config.ts';
export { type ChatOptions, type RenderedChat, renderChat } from './chat/chat-template.ts';
export { type EncodedChat, encodeChat } from './chat/encode-chat.ts';
export { renderRows } from './chat/render-rows.ts';
export { toolsOf } from './chat/row-tools.ts';
export { type ClassificationProblem, type Classifier, classifier } from './classification/classifier.ts';
export { type ClassifierOptions, ClassifierTrainer, classifierDefaults } from './classification/classifier-trainer.ts';
export { type Classified, classify } from './classification/classify.ts';
export { type LabelledRow, type LabelledRows, labelledRows } from './classification/labelled-rows.ts';
export { type ColumnMap, checkRows, dataset, type RawRow, type RowOptions } from './data/check-rows.ts';
export { type ConvertOptions, chosenCompletions, explicitPrompts, unpairedPreferences } from './data/convert.ts';
export { formatJsonl, formatParquet } from './data/format-rows.ts';
export { batchRows, type LmBatch } from './data/lm-batch.ts';
export { packRows } from './data/pack.ts';
export { joinedBatch, packWhole } from './data/padding-free.ts';
export { type CsvRecord, csvRecords, parseCsv } from './data/parse-csv.ts';
export { parseParquet } from './data/parse-parquet.ts';
export { parseJsonl, parseText, type TextRows } from './data/parse-rows.ts';
export { epochBatches, type RowBatchesOptions, rowBatches } from './data/row-batches.ts';
export {
  type ColumnType,
  columnTypes,
  type Dataset,
  isKind,
  type Message,
  type PromptCompletionRow,
  type RowKind,
  type RowKinds,
  rowColumns,
  type TextRow,
} from './data/rows.ts';
export { splitDataset } from './data/split.ts';
export { padBatch, rowOf } from './data/token-batch.ts';
export {
  type FitOptions,
  fitRows,
  type OverflowReport,
  type TokenRow,
  type TokenRows,
  tokenRows,
} from './data/token-rows.ts';
export { CachedState, type KeptStep } from './decoder/cached-state.ts';
export { type DecoderConfig, type DecoderOptions, decoderConfig, type FamilyName } from './decoder/config.ts';
export { decoder, type ForwardOptions, type LanguageModel } from './decoder/decoder.ts';
export { withGradientCheckpointing } from './decoder/gradient-checkpointing.ts';
export { keepLayers } from './decoder/keep-layers.ts';
export { type KeepableState, keepState, type StateTerms, stateTerms, takeKept } from './decoder/kept-state.ts';
export { type Kept, packMatrices } from './decoder/packing.ts';
export { TokenStepper } from './decoder/token-stepper.ts';
export {
  type EncoderConfig,
  type EncoderFamilyName,
  type EncoderOptions,
  encoderConfig,
  type RelativeOptions,
} from './encoder/config.ts';
export { encodeTexts, frameTokens, padRows, type TextOrPair } from './encoder/encode-texts.ts';
export { type Encoder, type EncoderBatch, encoder } from './encoder/encoder.ts';
export { type EmbedOptions, embedTexts, type PoolingOptions, poolStates } from './encoder/sentence-embeddings.ts';
export type { Beam } from './generation/beam-candidates.ts';
export { type BeamSearchOptions, beamSearch } from './generation/beam-search.ts';
export type { Completion, CompletionPart, EndReason, GenerateOptions } from './generation/completion.ts';
export {
  type DecodeStep,
  type DecodeTokensOptions,
  type DrawTokens,
  decodeTokens,
  type Stepper,
  type Steps,
  type StepTensors,
} from './generation/decode-tokens.ts';
export { generate, generateStream } from './generation/generate.ts';
export {
  allowTokens,
  type LogitsProcessor,
  noRepeatNgrams,
  type RowSoFar,
  repetitionPenalty,
} from './generation/logits-processors.ts';
export { type SampledBatch, sampleCompletions } from './generation/sample-tokens.ts';
export type { SamplerOptions } from './generation/sampler-options.ts';
export { type QuantizedType, quantizeWeights } from './gguf/quantize-weights.ts';
export type { GgufOptions } from './gguf/read-gguf.ts';
export { bootstrapBleu, corpusBleu, sentenceBleu } from './metrics/bleu.ts';
export { type BootstrapOptions, bootstrap, bootstrapMean, type Interval } from './metrics/bootstrap.ts';
export type { References } from './metrics/check.ts';
export { bootstrapChrf, corpusChrf, sentenceChrf } from './metrics/chrf.ts';
export { distinctN, type ExactMatchOptions, exactMatch } from './metrics/exact-match.ts';
export { type Extractiveness, extractiveness } from './metrics/extractive.ts';
export { type Rouge, type RougeScore, rouge, rougeL, rougeN } from './metrics/rouge.ts';
export { type SelfBleu, selfBleu } from './metrics/self-bleu.ts';
export type { FileDtype } from './pretrained/file-dtype.ts';
export { type GenerationDefaults, generationDefaults } from './pretrained/generation-config.ts';
export { type ClassifierWriter, classifierWriter } from './pretrained/model-writer.ts';
export type { ClassifierReadOptions, PretrainedClassifier, PretrainedEncoder } from './pretrained/read-encoder.ts';
export type { Pretrained } from './pretrained/read-pretrained.ts';
export type { PretrainedSeq2Seq } from './pretrained/read-seq2seq.ts';
export { type Continuation, scoreContinuations } from './scoring/score-continuations.ts';
export { type Seq2SeqConfig, type Seq2SeqOptions, seq2seqConfig } from './seq2seq/config.ts';
export { type Seq2SeqModel, seq2seq } from './seq2seq/seq2seq.ts';
export type { Span } from './tokenizer/spans.ts';
export { type SpecialIds, Tokenizer } from './tokenizer/tokenizer.ts';
export { type AddedToken, addedToken, type TokenizerConfig, type TokenizerJson } from './tokenizer/tokenizer-json.ts';
export { type TrainTokenizerOptions, trainTokenizer } from './tokenizer/train-tokenizer.ts';
export { causalLmLoss, type LmLossOptions } from './training/causal-lm-loss.ts';
export { type CausalLmOptions, CausalLmTrainer, causalLmDefaults } from './training/causal-lm-trainer.ts';
export { type EvaluatedLoss, type EvaluateLossOptions, evaluateLoss } from './training/evaluate-loss.ts';
export { evaluateSeq2Seq, seq2seqLoss } from './training/seq2seq-loss.ts';
export {
  type Seq2SeqBatch,
  type Seq2SeqFitOptions,
  type Seq2SeqRow,
  seq2seqBatch,
  seq2seqRows,
} from './training/seq2seq-rows.ts';
export { Seq2SeqTrainer, type Seq2SeqTrainerOptions, seq2seqDefaults } from './training/seq2seq-trainer.ts';
