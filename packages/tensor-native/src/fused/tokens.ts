// Embedding, rotary positions (cc/kernels/fused_tokens.cc) and drawing tokens (cc/kernels/fused_sample.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, emitAll, op } from '../commands.ts';
import { readBlockRows } from '../kernels/blocks.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';
import type { NativeBuffer } from '../memory/native-buffer.ts';

const EMBEDDING = op('embedding');
const EMBEDDING_GRAD = op('embedding_grad');
const SUM_ROWS = op('sum_rows');
const ROTARY = op('rotary');
const SAMPLE_TOKENS = op('sample_tokens');

const addressOf = (t: TensorInfo | undefined): number => (t === undefined ? 0 : backend.address(t));

const embedding = nativeKernel<{ ids: TensorInfo; table: TensorInfo; positions?: TensorInfo }, object>(
  'Embedding',
  ({ inputs: { ids, table, positions } }) => {
    const [rows, width] = table.shape as [number, number];
    const y = backend.output([...ids.shape, width]);
    const { blocks } = table.dataId as NativeBuffer;
    // a table of another shape may share the storage
    if (blocks?.n === rows && blocks.k === width && positions === undefined) {
      readBlockRows(blocks, backend.address(ids), backend.address(y), sizeOf(ids.shape));
      return [y];
    }
    emit(
      EMBEDDING,
      backend.address(ids),
      backend.address(table),
      addressOf(positions),
      backend.address(y),
      sizeOf(ids.shape),
      rows,
      width,
      ids.shape[ids.shape.length - 1] ?? 1,
    );
    return [y];
  },
);

const embeddingGrad = nativeKernel<{ dy: TensorInfo; ids: TensorInfo }, { shape: number[] }>(
  'EmbeddingGrad',
  ({ inputs: { dy, ids }, attrs }) => {
    const [rows, width] = attrs.shape as [number, number];
    const out = backend.output([rows, width]);
    emit(
      EMBEDDING_GRAD,
      backend.address(dy),
      backend.address(ids),
      backend.address(out),
      sizeOf(ids.shape),
      rows,
      width,
    );
    return out;
  },
);

const positionsGrad = nativeKernel<{ dy: TensorInfo }, { shape: number[] }>(
  'PositionsGrad',
  ({ inputs: { dy }, attrs }) => {
    const [rows, width] = attrs.shape as [number, number];
    const used = (dy.shape[dy.shape.length - 2] as number) * width;
    const out = backend.output([rows, width]);
    emit(SUM_ROWS, backend.address(dy), backend.address(out), used === 0 ? 0 : sizeOf(dy.shape) / used, used);
    // the sum of no rows: zeros for the positions behind
    if (used < rows * width) emit(SUM_ROWS, 0, backend.address(out) + used * 4, 0, rows * width - used);
    return out;
  },
);

interface RotaryAttributes {
  heads: number;
  offset: number;
  frequencies: readonly number[];
  inverse: boolean;
}

const rotary = ({
  inputs: { x, positions },
  attrs,
}: {
  inputs: { x: TensorInfo; positions?: TensorInfo };
  attrs: RotaryAttributes;
}): TensorInfo[] => {
  const y = backend.output(x.shape);
  const [batch, time] = x.shape as [number, number];
  if (sizeOf(x.shape) === 0) return [y];
  emitAll(ROTARY, [
    backend.address(x),
    addressOf(positions),
    backend.address(y),
    batch,
    time,
    attrs.heads,
    attrs.frequencies.length,
    attrs.offset,
    attrs.inverse ? -1 : 1,
    ...attrs.frequencies,
  ]);
  return [y];
};

const sampleTokens = nativeKernel<
  { logits: TensorInfo; uniform: TensorInfo },
  { temperature: number; topK: number; topP: number; minP: number }
>('SampleTokens', ({ inputs: { logits, uniform }, attrs }) => {
  const [rows, classes] = logits.shape as [number, number];
  const [ids, logProbs] = [backend.output([rows], 'int32'), backend.output([rows])];
  emit(
    SAMPLE_TOKENS,
    backend.address(logits),
    backend.address(uniform),
    backend.address(ids),
    backend.address(logProbs),
    rows,
    classes,
    attrs.temperature,
    attrs.topK,
    attrs.topP,
    attrs.minP,
  );
  return [ids, logProbs];
});

export const kernels: readonly KernelConfig[] = [
  embedding,
  embeddingGrad,
  positionsGrad,
  nativeKernel('Rotary', rotary),
  nativeKernel('RotaryGrad', rotary),
  sampleTokens,
];
