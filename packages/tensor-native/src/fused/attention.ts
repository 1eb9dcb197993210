// Attention forward, backward and over a cache (cc/kernels/attention*.cc), on packed or separate tensors by strides:
// heads are never split or transposed.
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { filled } from '../kernels/cast.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';

const ATTENTION = op('attention');
const ATTENTION_GRAD = op('attention_grad');
const APPEND = op('attention_append');
const DECODE = op('attention_decode');

interface Attributes {
  heads: number;
  kvHeads: number;
  headDim: number;
  causal: boolean;
  window: number;
  softcap: number;
  scale: number;
  packed: boolean;
  training: boolean;
}

interface Inputs {
  q: TensorInfo;
  k?: TensorInfo;
  v?: TensorInfo;
  lengths?: TensorInfo;
  starts?: TensorInfo;
}

const addressOf = (t: TensorInfo | undefined): number => (t === undefined ? 0 : backend.address(t));

/** A [B,T,H·D] tensor, or part of a wider one, as commands read it: address, batch stride, row stride. */
function tokens(t: TensorInfo, firstColumn = 0): [number, number, number] {
  const [, time, width] = t.shape as [number, number, number];
  return [backend.address(t) + 4 * firstColumn, time * width, width];
}

/** q, k and v, each as a command reads it; `like` are tensors laid out as the inputs are. */
function qkv(like: { q: TensorInfo; k?: TensorInfo; v?: TensorInfo }, a: Attributes): number[] {
  if (like.k !== undefined && like.v !== undefined) return [...tokens(like.q), ...tokens(like.k), ...tokens(like.v)];
  const [first, second] = [a.heads * a.headDim, (a.heads + a.kvHeads) * a.headDim];
  return [...tokens(like.q), ...tokens(like.q, first), ...tokens(like.q, second)];
}

/** The form that attention commands begin with (cc/kernels/attention/form.h). */
function form(inputs: Inputs, a: Attributes): number[] {
  const [batch, queries] = inputs.q.shape as [number, number];
  const keys = (inputs.k ?? inputs.q).shape[1] as number;
  return [
    batch,
    queries,
    keys,
    a.heads,
    a.kvHeads,
    a.headDim,
    a.causal ? 1 : 0,
    a.window,
    a.softcap,
    a.scale,
    addressOf(inputs.lengths),
    addressOf(inputs.starts),
    ...qkv(inputs, a),
  ];
}

/** Whether there is no query or no key at all: commands divide by their numbers. */
const isEmpty = ({ q, k }: Inputs): boolean => sizeOf(q.shape) === 0 || (k !== undefined && sizeOf(k.shape) === 0);

const outputOf = ({ q }: Inputs, a: Attributes): TensorInfo =>
  backend.output([...q.shape.slice(0, 2), a.heads * a.headDim]);

const attention = nativeKernel<Inputs, Attributes>('Attention', ({ inputs, attrs }) => {
  const [batch, queries] = inputs.q.shape as [number, number];
  if (isEmpty(inputs)) {
    // a query that sees nothing gives zeros, as one whose keys are all hidden does
    const out = filled([...inputs.q.shape.slice(0, 2), attrs.heads * attrs.headDim], 0);
    return attrs.training ? [out, filled([batch, attrs.heads, queries], 0)] : [out];
  }
  const out = outputOf(inputs, attrs);
  const lse = attrs.training ? backend.output([batch, attrs.heads, queries]) : undefined;
  emit(ATTENTION, ...form(inputs, attrs), ...tokens(out), addressOf(lse));
  return lse === undefined ? [out] : [out, lse];
});

interface GradInputs extends Inputs {
  dy: TensorInfo;
  out: TensorInfo;
  logSumExp: TensorInfo;
}

const attentionGrad = nativeKernel<GradInputs, Attributes>('AttentionGrad', ({ inputs, attrs }) => {
  if (isEmpty(inputs))
    return [inputs.q, inputs.k, inputs.v].flatMap((t) => (t === undefined ? [] : [filled(t.shape, 0)]));
  const q = backend.output(inputs.q.shape);
  const separate =
    inputs.k === undefined || inputs.v === undefined
      ? undefined
      : { k: backend.output(inputs.k.shape), v: backend.output(inputs.v.shape) };
  emit(
    ATTENTION_GRAD,
    ...form(inputs, attrs),
    ...tokens(inputs.out),
    ...tokens(inputs.dy),
    ...qkv({ q, ...separate }, attrs),
    backend.address(inputs.logSumExp),
  );
  return separate === undefined ? [q] : [q, separate.k, separate.v];
});

interface DecodeInputs extends Inputs {
  keys: TensorInfo;
  values: TensorInfo;
  /** Read when the command runs, in place of attributes.length. */
  place?: TensorInfo;
}

/**
 * Writes into keys and values, which are [B,Hkv,capacity,D] in size, half the capacity in bf16; their layout is the
 * kernel's own.
 */
const attentionDecode = nativeKernel<DecodeInputs, Attributes & { length: number; bf16: boolean }>(
  'AttentionDecode',
  ({ inputs, attrs }) => {
    const { keys, values, starts, place } = inputs;
    const [batch, time] = inputs.q.shape as [number, number];
    const out = outputOf(inputs, attrs);
    const whole = qkv(inputs, attrs);
    const cache = [
      ...whole.slice(3),
      backend.address(keys),
      backend.address(values),
      batch,
      time,
      attrs.kvHeads,
      attrs.headDim,
      attrs.length,
      (keys.shape[2] as number) * (attrs.bf16 ? 2 : 1),
      attrs.bf16 ? 1 : 0,
    ];
    if (attrs.length === 0 && time > 1 && place === undefined) {
      // a prompt: attention among its own tokens
      emit(APPEND, ...cache);
      emit(ATTENTION, ...form(inputs, { ...attrs, causal: true }), ...tokens(out), 0);
    } else {
      emit(
        DECODE,
        ...cache,
        ...whole.slice(0, 3),
        ...tokens(out),
        attrs.heads,
        addressOf(starts),
        attrs.window,
        attrs.softcap,
        attrs.scale,
        addressOf(place),
      );
    }
    return [out];
  },
);

export const kernels: readonly KernelConfig[] = [attention, attentionGrad, attentionDecode];
