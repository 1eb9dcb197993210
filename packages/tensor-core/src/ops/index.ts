// The public ops. Each function named here has a row in table/, which the test walks on every backend.
export {
  type Activation,
  activate,
  activations,
  gatedActivation,
  geglu,
  gelu,
  geluErf,
  silu,
  swiglu,
} from './activations.ts';
export { type AdamWEntry, type AdamWOptions, adamWTree } from './adamw-tree.ts';
export { type AttentionOptions, attention } from './attention.ts';
export { attentionDecode, type DecodeOptions, type KvCacheOptions, type KvLayer, kvCache } from './attention-decode.ts';
export { type CrossEntropyOptions, crossEntropy, type Reduction, tokenLogProbs } from './cross-entropy.ts';
export {
  type DivergenceName,
  type DivergenceOptions,
  divergence,
  divergenceMeasures,
  divergenceWithGradient,
} from './divergence.ts';
export { divergencePart, divergencePartGradient } from './divergence-parts.ts';
export { dropout, type UniformSource } from './dropout.ts';
export { embedding } from './embedding.ts';
export { type GatedMlpOptions, gatedMlp } from './gated-mlp.ts';
export { globalNorm } from './global-norm.ts';
export { layerNorm } from './layer-norm.ts';
export { type LinearCrossEntropyOptions, linearCrossEntropy } from './linear-cross-entropy.ts';
export {
  type Layer,
  type LinearOptions,
  linear,
  type MlpOptions,
  mlp,
  mlpEnsemble,
  type WeightLayout,
} from './mlp.ts';
export { polyakTree } from './polyak-tree.ts';
export { rmsNorm } from './rms-norm.ts';
export { type RotaryOptions, type RotaryScaling, rotary } from './rotary.ts';
export { type SampleOptions, sampleTokens } from './sample-tokens.ts';
export { squashedGaussian } from './squashed-gaussian.ts';
