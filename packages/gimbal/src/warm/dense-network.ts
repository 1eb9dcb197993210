// A small network of dense inputs (warm.md 5.1): inputs → 128, two residual blocks, a head for the reward and one for what
// the body is pretrained to predict.
//   h₀ = gelu(LN(W₀x)),  hᵢ = hᵢ₋₁ + dropout(gelu(LN(Wᵢhᵢ₋₁))),  r = w·h₂
import { activate, dropout, layerNorm, linear, type Params, type Rng } from '@gimbal/tensor-core';
import { add, reshape, type Tensor, type Tensor1D, type Tensor2D, tidy, zeros } from '@tensorflow/tfjs-core';

const width = 128;

/** Fresh parameters; the reward's head is zero. @param inputs numbers of an input @param targets numbers that pretraining predicts */
export function initNetwork(rng: Rng, { inputs: observed, targets }: { inputs: number; targets: number }): Params {
  const dense = (name: string, inputs: number, outputs: number): Params => ({
    weight: rng.split(name).uniformTensor([inputs, outputs], -(inputs ** -0.5), inputs ** -0.5),
    bias: zeros([outputs]) as Tensor,
  });
  const block = (name: string, inputs: number): Params => ({
    ...dense(name, inputs, width),
    scale: tidy(() => add(zeros([width]), 1)),
    offset: zeros([width]) as Tensor,
  });
  return {
    body: {
      0: block('0', observed),
      1: block('1', width),
      2: block('2', width),
    },
    head: { weight: zeros([1, width]) as Tensor },
    target: dense('target', width, targets),
  };
}

/** Features [B,128] of observations [B,inputs]; with a stream, dropout is on. */
export function features(params: Params, x: Tensor2D, drop?: { rate: number; rng: Rng }): Tensor2D {
  const body = params.body as Record<string, Record<string, Tensor>>;
  const layer = (name: string, input: Tensor): Tensor => {
    const p = body[name] as Record<'weight' | 'bias' | 'scale' | 'offset', Tensor>;
    return activate(layerNorm(linear(input, p.weight, { bias: p.bias }), p.scale, p.offset), 'gelu');
  };
  let h = layer('0', x);
  for (const name of ['1', '2']) {
    const y = layer(name, h);
    h = add(h, drop && drop.rate > 0 ? dropout(y, drop.rate, drop.rng.split(name)) : y);
  }
  return h as Tensor2D;
}

/** Rewards [B] of observations [B,inputs]. */
export const scores = (params: Params, x: Tensor2D, drop?: { rate: number; rng: Rng }): Tensor1D =>
  reshape(
    linear(features(params, x, drop), (params.head as { weight: Tensor }).weight, { weightLayout: 'out-in' }),
    [-1],
  );

/** Predictions of the pretraining targets [B,targets]. */
export const predictions = (params: Params, x: Tensor2D): Tensor2D => {
  const p = params.target as Record<'weight' | 'bias', Tensor>;
  return linear(features(params, x), p.weight, { bias: p.bias }) as Tensor2D;
};
