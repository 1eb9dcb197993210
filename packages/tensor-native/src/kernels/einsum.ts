// Einsum of one or two tensors: sums over what only one has, then one batched product (cc/gemm.h).
import { backend_util, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { productBatch } from './gemm.ts';
import { hostBody, nativeKernel } from './host.ts';
import { transposed } from './layout.ts';
import { summed } from './reduce.ts';
import { sizeOf } from './shapes.ts';

/** A tensor whose dimensions carry labels (numbers; the output's are 0, 1, …). */
interface Labelled {
  tensor: TensorInfo;
  labels: number[];
}

/** Sums over the labels that `keep` refuses. The result is the caller's to dispose. */
function sumOver({ tensor, labels }: Labelled, keep: (label: number) => boolean): Labelled {
  const axes = labels.flatMap((label, i) => (keep(label) ? [] : [i]));
  return {
    tensor: axes.length > 0 ? summed(tensor, axes) : backend.alias(tensor, tensor.shape),
    labels: labels.filter(keep),
  };
}

/** The same elements with the dimensions in the given order. Consumes its input. */
function ordered({ tensor, labels }: Labelled, order: readonly number[]): TensorInfo {
  const result = transposed(
    tensor,
    order.map((label) => labels.indexOf(label)),
  );
  backend.disposeData(tensor.dataId);
  return result;
}

const isSorted = (positions: number[]): boolean =>
  positions.every((p, i) => i === 0 || p > (positions[i - 1] as number));

/**
 * An operand as [batch, rows, columns], or as [batch, columns, rows] when it is stored so: a product reads either
 * without a copy.
 */
function matrix(x: Labelled, batch: number[], rows: number[], columns: number[]): [TensorInfo, transposed: boolean] {
  const at = (order: number[]): number[] => order.map((label) => x.labels.indexOf(label));
  const flipped = !isSorted(at([...batch, ...rows, ...columns])) && isSorted(at([...batch, ...columns, ...rows]));
  return [ordered(x, flipped ? [...batch, ...columns, ...rows] : [...batch, ...rows, ...columns]), flipped];
}

function contract(a: Labelled, b: Labelled, outputs: number): TensorInfo {
  const isOutput = (label: number): boolean => label < outputs;
  const left = sumOver(a, (label) => isOutput(label) || b.labels.includes(label));
  const right = sumOver(b, (label) => isOutput(label) || a.labels.includes(label));
  const sizes = new Map<number, number>();
  for (const { tensor, labels } of [left, right])
    for (const [i, label] of labels.entries()) sizes.set(label, tensor.shape[i] as number);
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const ascending = (labels: number[]): number[] => labels.sort((x, y) => x - y);
  const batch = ascending(shared.filter(isOutput));
  const inner = shared.filter((label) => !isOutput(label));
  const rows = ascending(left.labels.filter((label) => !shared.includes(label)));
  const columns = ascending(right.labels.filter((label) => !shared.includes(label)));
  const shapeOf = (labels: number[]): number[] => labels.map((label) => sizes.get(label) as number);
  const [m, n, k] = [sizeOf(shapeOf(rows)), sizeOf(shapeOf(columns)), sizeOf(shapeOf(inner))];

  const [x, transposeA] = matrix(left, batch, rows, inner);
  const [y, transposeB] = matrix(right, batch, inner, columns);
  const result = backend.output(shapeOf([...batch, ...rows, ...columns]));
  productBatch({
    count: sizeOf(shapeOf(batch)),
    strideA: m * k,
    strideB: k * n,
    strideC: m * n,
    m,
    n,
    k,
    a: backend.address(x),
    transposeA,
    b: backend.address(y),
    transposeB,
    c: backend.address(result),
  });
  backend.disposeData(x.dataId);
  backend.disposeData(y.dataId);
  const labels = [...batch, ...rows, ...columns];
  return ordered({ tensor: result, labels }, ascending(labels.slice()));
}

const host = hostBody('Einsum');

export const kernels: KernelConfig[] = [
  nativeKernel<TensorInfo[], { equation: string }>('Einsum', (call) => {
    const tensors = call.inputs;
    const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(call.attrs.equation, tensors.length);
    backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as never);
    if (tensors.length > 2 || tensors.some((t) => t.dtype !== 'float32')) return host(call);
    const outputs = allDims.length - summedDims.length;
    const [first, second] = tensors.map((tensor, i): Labelled => ({ tensor, labels: idDims[i] as number[] })) as [
      Labelled,
      Labelled | undefined,
    ];
    if (second) return contract(first, second, outputs);
    const kept = sumOver(first, (label) => label < outputs);
    return ordered(
      kept,
      kept.labels.slice().sort((x, y) => x - y),
    );
  }),
];
