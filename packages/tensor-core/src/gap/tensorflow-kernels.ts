// What tfjs-node's kernels lack or get wrong on TensorFlow's library.
import {
  cast,
  div,
  exp,
  fill,
  getKernelsForBackend,
  greaterEqual,
  isFinite as isFiniteNumber,
  isNaN as isNotANumber,
  type KernelBackend,
  type KernelFunc,
  less,
  log,
  maximum,
  minimum,
  mul,
  type NamedAttrMap,
  registerKernel,
  scalar,
  type Tensor,
  type TensorInfo,
  tensor1d,
  tidy,
  upcastType,
  where,
} from '@tensorflow/tfjs-core';
import { einsumByMatMul } from './einsum.ts';
import { poolShares } from './image-gradients.ts';
import { overrideKernel } from './kernel-override.ts';
import { onCpu } from './on-cpu.ts';
import { repairConvolutions } from './tensorflow-convolutions.ts';
import { fallBackOnGpu } from './tensorflow-gpu-kernels.ts';
import { repairLargeRanks } from './tensorflow-ranks.ts';

const backendName = 'tensorflow';
/** The number before float32's largest. */
const almostLargest = 3.4028232635611926e38;

export function repairTensorFlow(): void {
  for (const name of missingKernels()) registerKernel({ kernelName: name, backendName, kernelFunc: onCpu(name) });

  // since TensorFlow 2.17 zeros (tensorflow#74789)
  overrideKernel(backendName, 'Round', (stock) => (params) => {
    const x = params.inputs.x as TensorInfo;
    if (x.dtype !== 'int32') return stock(params);
    (params.backend as KernelBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  });
  // disposes an input of whole numbers, and calls a method that only the union package gives to tensors
  overrideKernel(backendName, 'Exp', (stock) => (params) => {
    const x = params.inputs.x as Tensor;
    return x.dtype === 'float32' ? stock(params) : tidy(() => exp(cast(x, 'float32')));
  });
  overrideKernel(backendName, 'Prelu', () => ({ inputs }) => {
    return tidy(() => {
      const [x, alpha] = [inputs.x, inputs.alpha].map((t) => cast(t as Tensor, 'float32')) as [Tensor, Tensor];
      return where(greaterEqual(x, 0), x, mul(alpha, x));
    });
  });
  // a NaN counts as worse than any number, infinite ones too; TensorFlow looks for what is beyond the largest number
  const orWorst = (x: Tensor, numbers: Tensor, worst: number): Tensor =>
    where(isNotANumber(x), fill(x.shape, worst), numbers);
  overrideKernel(
    backendName,
    'ArgMax',
    argExtreme((x) => orWorst(x, maximum(x, -almostLargest), Number.NEGATIVE_INFINITY)),
  );
  overrideKernel(
    backendName,
    'ArgMin',
    argExtreme((x) => orWorst(x, minimum(x, almostLargest), Number.POSITIVE_INFINITY)),
  );
  // keeps a NaN, where tfjs says 0
  overrideKernel(backendName, 'Sign', (stock) => (params) => {
    const x = params.inputs.x as Tensor;
    if (x.dtype !== 'float32') return stock(params);
    return tidy(() => where(isNotANumber(x), fill(x.shape, 0), stock(params) as Tensor));
  });
  overrideKernel(backendName, 'Multinomial', () => multinomial);
  // whole numbers on tfjs's other backends
  overrideKernel(backendName, 'FloorDiv', (stock) => (params) => {
    if (notFloat(params)) return stock(params);
    const whole = (y: Tensor): Tensor => cast(where(isFiniteNumber(y), y, 0), 'int32');
    return tidy(() => whole(stock(params) as Tensor));
  });
  // the older operation does not broadcast, which tfjs leaves to it where a tensor is empty; neither mixes types
  overrideKernel(backendName, 'Select', () => ({ inputs, backend }) => {
    const { condition, t, e } = inputs as { [name in 'condition' | 't' | 'e']: Tensor };
    const { binding, executeSingleOutput } = backend as unknown as Operations;
    const dtype = t.dtype === e.dtype ? t.dtype : upcastType(t.dtype, e.dtype);
    const value = { float32: binding.TF_FLOAT, int32: binding.TF_INT32, bool: binding.TF_BOOL }[dtype as 'float32'];
    const types = [{ name: 'T', type: binding.TF_ATTR_TYPE, value }];
    const select = (a: Tensor, b: Tensor): Tensor =>
      executeSingleOutput.call(backend, 'SelectV2', types, [condition, a, b]);
    return t.dtype === e.dtype ? select(t, e) : tidy(() => select(cast(t, dtype), cast(e, dtype)));
  });
  // rows of a segment out of range are left out; TensorFlow leaves out negative ones, and refuses others
  overrideKernel(backendName, 'UnsortedSegmentSum', (stock) => (params) => {
    const segmentIds = params.inputs.segmentIds as Tensor;
    const { numSegments } = params.attrs as { numSegments: number };
    const inside = (): Tensor => where(less(segmentIds, numSegments), segmentIds, fill(segmentIds.shape, -1, 'int32'));
    return tidy(() => stock({ ...params, inputs: { ...params.inputs, segmentIds: inside() } }) as Tensor);
  });
  // TensorFlow has none of truth values, nor of two types
  overrideKernel(
    backendName,
    'Einsum',
    (stock) => (params) => (isTruth(params) || isMixed(params) ? einsumByMatMul : stock)(params),
  );
  repairConvolutions(backendName);
  overrideKernel(backendName, 'AvgPoolGrad', byFilterSize);
  overrideKernel(backendName, 'AvgPool3DGrad', byFilterSize);
  for (const [name, when] of Object.entries(unsupported)) {
    overrideKernel(backendName, name, (stock) => {
      const instead = onCpu(name);
      return (params) => (when(params) ? instead(params) : stock(params));
    });
  }
  repairLargeRanks(backendName);
  fallBackOnGpu(backendName);
}

type Call = Parameters<KernelFunc>[0];

const first = ({ inputs }: Call): TensorInfo => Object.values(inputs)[0] as TensorInfo;
const notFloat = (call: Call): boolean => ['int32', 'bool'].includes(first(call).dtype);
const isTruth = (call: Call): boolean => first(call).dtype === 'bool';
const isMixed = ({ inputs }: Call): boolean =>
  new Set(Object.values(inputs).map((x) => (x as TensorInfo).dtype)).size > 1;
const isText = (call: Call): boolean => first(call).dtype === 'string';
const oddPadding = ({ attrs }: Call): boolean => attrs?.pad !== 'same' && attrs?.pad !== 'valid';

const each = (names: readonly string[], when: (call: Call) => boolean): { [kernel: string]: typeof when } =>
  Object.fromEntries(names.map((name) => [name, when]));

/** Calls that TensorFlow refuses or answers otherwise than tfjs, by kernel: they run on the cpu backend. */
const unsupported: { readonly [kernel: string]: (call: Call) => boolean } = {
  ...each(
    ['AvgPool', 'AvgPoolGrad', 'AvgPool3D', 'AvgPool3DGrad', 'MaxPool', 'MaxPoolGrad', 'MaxPool3D', 'MaxPool3DGrad'],
    (call) => oddPadding(call) || isTruth(call),
  ),
  ...each(['Greater', 'GreaterEqual', 'Less', 'LessEqual'], (call) => isText(call) || isTruth(call)),
  ...each(
    ['LeakyRelu', 'Step', 'Log1p', 'Softplus', 'Selu', 'IsNan', 'IsFinite', 'IsInf', 'Reciprocal', 'Atan2'],
    notFloat,
  ),
  ...each(['Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Sinh', 'Expm1', 'LRN', 'FusedBatchNorm'], notFloat),
  ...each(['Add', 'AddN', 'Sub', 'Multiply', 'Maximum', 'Minimum', 'Diag'], isTruth),
  ...each(['RealDiv', 'SquaredDifference', 'BatchMatMul', 'SpaceToBatchND', 'ResizeBilinear'], isTruth),
  ...each(['Abs', 'Neg', 'Relu', 'Relu6', 'Sign', 'Round', 'ClipByValue'], isTruth),
  ...each(['Max', 'Min', 'TopK', 'Cumsum', 'Cumprod', 'UnsortedSegmentSum'], isTruth),
  // overflow, negative powers and division by zero of whole numbers
  ...each(['Pow', 'Square', 'FloorDiv', 'Mod'], notFloat),
  // TensorFlow wants indices in order
  SparseToDense: () => true,
  // TensorFlow wants indices [..., depth]; tfjs also takes a list of them
  ScatterNd: ({ inputs }) => (inputs.indices as TensorInfo).shape.length < 2,
};

/** tfjs's other kernels divide by the filter's size at an edge too; its gradients are made for them (image-gradients.ts). */
const byFilterSize =
  (stock: KernelFunc): KernelFunc =>
  (params) =>
    tidy(() => {
      const { dy, input } = params.inputs as { dy: Tensor; input: Tensor };
      const scaled = div(dy, poolShares(input.shape, params.attrs as NamedAttrMap));
      return stock({ ...params, inputs: { ...params.inputs, dy: scaled } }) as Tensor;
    });

/** Samples by a counter-based generator, so that a seed gives the same ones again. */
const multinomial: KernelFunc = ({ inputs, attrs, backend }) => {
  const tensorflow = backend as unknown as Operations;
  const { numSamples, seed, normalized } = attrs as { numSamples: number; seed: number; normalized: boolean };
  return tidy(() => {
    const given = inputs.logits as Tensor;
    const logits = normalized ? log(given) : given;
    const whole = Math.floor(seed);
    const key = tensor1d([whole % 2 ** 31, Math.floor((seed - whole) * 2 ** 31)], 'int32');
    const { binding } = tensorflow;
    const types = [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'Tseed', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
      { name: 'output_dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
    ];
    return tensorflow.executeSingleOutput('StatelessMultinomial', types, [logits, scalar(numSamples, 'int32'), key]);
  });
};

/** What a kernel needs of tfjs-node's backend. */
interface Operations {
  readonly binding: Readonly<Record<'TF_ATTR_TYPE' | 'TF_FLOAT' | 'TF_INT32' | 'TF_BOOL', number>>;
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly TensorInfo[]): Tensor;
}

/** Truth values are compared as numbers. @param passingOverNaN as on the other backends */
const argExtreme =
  (passingOverNaN: (x: Tensor) => Tensor) =>
  (stock: KernelFunc): KernelFunc =>
  (params) => {
    const x = params.inputs.x as Tensor;
    return tidy(() => {
      const numbers = x.dtype === 'float32' ? passingOverNaN(x) : cast(x, 'int32');
      return stock({ ...params, inputs: { x: numbers } }) as Tensor;
    });
  };

/** Kernels that tfjs's cpu backend has and tfjs-node has not. */
function missingKernels(): string[] {
  const present = new Set(getKernelsForBackend(backendName).map((config) => config.kernelName));
  return getKernelsForBackend('cpu')
    .filter(({ kernelName, kernelFunc }) => !present.has(kernelName) && !('composition' in kernelFunc))
    .map((config) => config.kernelName);
}
