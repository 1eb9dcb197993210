// The parameters of a model: names, shapes, first values.
import { CheckpointError, isTensor, type Params, type Rng, unflatten } from '@gimbal/tensor-core';
import { fill, type Tensor } from '@tensorflow/tfjs-core';
import type { Vec2TextConfig } from './config.ts';

/** A parameter: its path, its shape, and the deviation of its first values or their constant value. */
export interface ParameterSpec {
  readonly path: string;
  readonly shape: readonly number[];
  readonly init: { readonly std: number } | { readonly constant: number };
}

/** All parameters, in the order they are made. Matrices lie as [in, out]. */
export function parameterSpecs(c: Vec2TextConfig): ParameterSpec[] {
  const { width: d, ffn, controlDim: k, memorySlots, vocabSize } = c;
  const constant = (path: string, size: number, value: number): ParameterSpec => ({
    path,
    shape: [size],
    init: { constant: value },
  });
  const norm = (path: string): ParameterSpec[] => [constant(`${path}.weight`, d, 1), constant(`${path}.bias`, d, 0)];
  const matrix = (path: string, rows: number, columns: number, gain = 1): ParameterSpec => ({
    path: `${path}.weight`,
    shape: [rows, columns],
    init: { std: gain / Math.sqrt(rows) },
  });
  const dense = (path: string, rows: number, columns: number, gain = 1): ParameterSpec[] => [
    matrix(path, rows, columns, gain),
    constant(`${path}.bias`, columns, 0),
  ];
  // each branch adds to the stream: smaller where there are more of them (Radford et al. 2019, section 2.3)
  const feed = (path: string, gain: number): ParameterSpec[] => [
    ...dense(`${path}.in`, d, ffn, Math.SQRT2),
    ...dense(`${path}.out`, ffn, d, gain),
  ];
  const layers = (name: string, count: number, make: (path: string) => ParameterSpec[]): ParameterSpec[] =>
    Array.from({ length: count }, (_, i) => make(`${name}.${i}`)).flat();
  const [down, downDecoder] = [1 / Math.sqrt(2 * c.encoderLayers), 1 / Math.sqrt(3 * c.decoderLayers)];
  return [
    { path: 'embedding.weight', shape: [vocabSize, d], init: { std: 1 / Math.sqrt(d) } },
    { path: 'positions.weight', shape: [c.maxLength, d], init: { std: 1 / Math.sqrt(d) } },
    ...layers('encoder', c.encoderLayers, (layer) => [
      ...norm(`${layer}.norm1`),
      matrix(`${layer}.self.qkv`, d, 3 * d),
      matrix(`${layer}.self.out`, d, d, down),
      ...norm(`${layer}.norm2`),
      ...feed(`${layer}.mlp`, down),
    ]),
    ...norm('encoder.norm'),
    ...dense('bottleneck', d, k),
    ...(c.variational ? dense('deviation', d, k, 0.1) : []),
    // smaller, so that codes spread farther over the box: more of what lies between and beside them is a sentence
    ...dense('memory', k, memorySlots * d, 0.7),
    ...layers('decoder', c.decoderLayers, (layer) => [
      ...norm(`${layer}.norm1`),
      matrix(`${layer}.self.qkv`, d, 3 * d),
      matrix(`${layer}.self.out`, d, d, downDecoder),
      ...norm(`${layer}.norm2`),
      matrix(`${layer}.cross.q`, d, d),
      matrix(`${layer}.cross.k`, d, d),
      matrix(`${layer}.cross.v`, d, d),
      matrix(`${layer}.cross.out`, d, d, downDecoder),
      ...norm(`${layer}.norm3`),
      ...feed(`${layer}.mlp`, downDecoder),
    ]),
    ...norm('decoder.norm'),
    ...dense('output', d, vocabSize),
  ];
}

/** Fresh parameters, each from a stream named by its path. The caller disposes the tree. */
export function initParams(specs: readonly ParameterSpec[], rng: Rng): Params {
  return unflatten(
    specs.map(({ path, shape, init }) => [
      path,
      'std' in init ? rng.split(path).normalTensor(shape, 0, init.std) : fill([...shape], init.constant),
    ]),
  );
}

/** @throws CheckpointError naming what the tree lacks */
function walk(params: Params, keys: readonly (string | number)[]): Params | Tensor {
  let node: Params | Tensor | undefined = params;
  for (const key of keys) node = node === undefined || isTensor(node) ? undefined : node[key];
  if (node !== undefined) return node;
  throw new CheckpointError({
    where: 'vec2text',
    what: `the parameters lack ${keys.join('.')}`,
    fix: 'They belong to another config; make them with init, or load them with theirs',
  });
}

/** The tensor under keys. */
export const leaf = (params: Params, ...keys: (string | number)[]): Tensor => walk(params, keys) as Tensor;

/** The branch under keys. */
export const branch = (params: Params, ...keys: (string | number)[]): Params => walk(params, keys) as Params;
