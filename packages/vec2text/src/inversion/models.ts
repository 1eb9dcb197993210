// The two models that turn another model's vectors back into text (Morris et al., arXiv 2310.06816; vec2text/models/
// inversion.py and corrector_encoder.py):
//
//   hypothesizer: encoder input  T(e)                                        R vectors
//   corrector:    encoder input  LN[sep, T1(e), sep, T3(ê), sep, T2(e − ê), sep, tokens of the hypothesis]
//   T(x) = reshape(W' gelu(dropout(W x + b)) + b', [R, d]), sep the embedding of EOS
//
// The decoder attends to the encoder's states. Hypotheses are filled up to the longest length with PAD, whose embedding
// stands for "nothing here", so that a row's numbers do not depend on the rows beside it.
import {
  crossEntropy,
  dropout,
  embedding,
  gelu,
  layerNorm,
  linear,
  mlp,
  type Params,
  type Rng,
} from '@gimbal/tensor-core';
import {
  add,
  concat,
  expandDims,
  mul,
  reshape,
  type Scalar,
  slice,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tile,
} from '@tensorflow/tfjs-core';
import { encoderBlock, type KeysAndValues, keysAndValues, norm } from '../model/blocks.ts';
import { branch, initParams, leaf, type ParameterSpec, parameterSpecs } from '../model/parameters.ts';
import { teacherForced, toLogits } from '../model/stacks.ts';
import { shiftRight } from '../model/token-rows.ts';
import { blockConfig, type InverterConfig } from './config.ts';

/** Which of the two. */
export type Stage = 'hypothesizer' | 'corrector';

/** What a model is asked: the vectors, and for the corrector the hypotheses and their vectors. */
export interface InversionInput {
  /** e [B,D] */
  readonly embedding: Tensor2D;
  /** ê [B,D] and its tokens [B,maxLength] int32, filled up with PAD */
  readonly hypothesis?: { readonly embedding: Tensor2D; readonly ids: Tensor2D };
}

const projections = { hypothesizer: ['embedding'], corrector: ['embedding', 'hypothesis', 'difference'] } as const;

/** Positions that the encoder reads. */
const sequenceLength = (c: InverterConfig, stage: Stage): number =>
  stage === 'hypothesizer' ? c.embeddingTokens : 4 + 3 * c.embeddingTokens + c.maxLength;

/** The parameters of a model, in the order they are made. */
export function inverterSpecs(c: InverterConfig, stage: Stage): ParameterSpec[] {
  const { width: d, embeddingDim: D, embeddingTokens: R } = c;
  const dense = (path: string, rows: number, columns: number, std: number): ParameterSpec[] => [
    { path: `${path}.weight`, shape: [rows, columns], init: { std } },
    { path: `${path}.bias`, shape: [columns], init: { constant: 0 } },
  ];
  return [
    ...parameterSpecs(blockConfig(c)).filter(({ path }) => !/^(?:bottleneck|memory|deviation)\./.test(path)),
    { path: 'sequence.weight', shape: [sequenceLength(c, stage), d], init: { std: 1 / Math.sqrt(d) } },
    ...projections[stage].flatMap((name) => [
      ...dense(`project.${name}.in`, D, D, Math.sqrt(2 / D)),
      ...dense(`project.${name}.out`, D, R * d, 1 / Math.sqrt(D)),
    ]),
    ...(stage === 'corrector'
      ? ([
          { path: 'join.weight', shape: [d], init: { constant: 1 } },
          { path: 'join.bias', shape: [d], init: { constant: 0 } },
        ] as const)
      : []),
  ];
}

/** Fresh parameters. The caller disposes the tree. */
export const initInverter = (c: InverterConfig, stage: Stage, rng: Rng): Params =>
  initParams(inverterSpecs(c, stage), rng);

/** In training: the chance that a number inside T is dropped, and what draws it. */
export interface Dropout {
  readonly rate: number;
  readonly rng: Rng;
}

/** R pseudo-tokens of vectors [B,R,d]. */
function pseudoTokens(params: Params, c: InverterConfig, name: string, x: Tensor2D, drop?: Dropout): Tensor3D {
  const p = branch(params, 'project', name);
  const layers = ['in', 'out'].map((layer) => ({ weight: leaf(p, layer, 'weight'), bias: leaf(p, layer, 'bias') }));
  // unit vectors of D numbers have coordinates of 1/√D: brought to 1
  const scaled = mul(x, Math.sqrt(c.embeddingDim));
  const shape = [-1, c.embeddingTokens, c.width] as [number, number, number];
  if (drop === undefined || drop.rate === 0) return reshape(mlp(scaled, layers, { activation: 'gelu' }), shape);
  const [inner, outer] = layers as [(typeof layers)[number], (typeof layers)[number]];
  const hidden = dropout(linear(scaled, inner.weight, { bias: inner.bias }), drop.rate, drop.rng.split(name));
  return reshape(linear(gelu(hidden), outer.weight, { bias: outer.bias }), shape);
}

/** What the decoder attends to, by its blocks: made in the caller's scope. */
export function inverterMemory(
  params: Params,
  c: InverterConfig,
  stage: Stage,
  input: InversionInput,
  drop?: Dropout,
): KeysAndValues[] {
  const block = blockConfig(c);
  const table = leaf(params, 'embedding', 'weight');
  let x: Tensor3D;
  if (stage === 'hypothesizer') x = pseudoTokens(params, c, 'embedding', input.embedding, drop);
  else {
    const { embedding: guess, ids } = input.hypothesis as NonNullable<InversionInput['hypothesis']>;
    const batch = ids.shape[0];
    const end = slice(table, [c.eosId, 0], [1, c.width]);
    const sep = tile(expandDims(end, 0), [batch, 1, 1]) as Tensor3D;
    const sequence = concat(
      [
        ...[sep, pseudoTokens(params, c, 'embedding', input.embedding, drop)],
        ...[sep, pseudoTokens(params, c, 'hypothesis', guess, drop)],
        ...[sep, pseudoTokens(params, c, 'difference', sub(input.embedding, guess), drop)],
        ...[sep, embedding<Tensor3D>(ids, table)],
      ],
      1,
    ) as Tensor3D;
    x = layerNorm(sequence, leaf(params, 'join', 'weight'), leaf(params, 'join', 'bias'));
  }
  x = add(x, leaf(params, 'sequence', 'weight')) as Tensor3D;
  for (let i = 0; i < c.encoderLayers; i++) x = encoderBlock(branch(params, 'encoder', i), x, block, {});
  const states = norm(branch(params, 'encoder', 'norm'), x);
  return Array.from({ length: c.decoderLayers }, (_, i) => keysAndValues(branch(params, 'decoder', i), states));
}

/** Σ −log p(target | input) over the targets' tokens. */
export function inverterLoss(
  params: Params,
  c: InverterConfig,
  stage: Stage,
  input: InversionInput,
  /** [B,L] int32, ended by EOS, filled up with PAD */
  target: Tensor2D,
  /** 1 on its tokens [B,L] */
  mask: Tensor2D,
  drop?: Dropout,
): Scalar {
  const block = blockConfig(c);
  const [batch, width] = target.shape;
  const shifted = shiftRight(target, c.bosId);
  const states = teacherForced(params, block, inverterMemory(params, c, stage, input, drop), shifted);
  const flat = <T extends Tensor1D>(t: Tensor): T => reshape(t, [batch * width]) as T;
  return crossEntropy<Scalar>(toLogits(params, block, reshape(states, [batch * width, c.width])), flat(target), {
    weights: flat(mask),
    reduction: 'sum',
  });
}
