// What tfjs-node's kernels lack or get wrong on TensorFlow's library.
import {
  abs,
  add,
  cast,
  exp,
  fill,
  getKernelsForBackend,
  isNaN as isNotANumber,
  type KernelBackend,
  type KernelFunc,
  log,
  mul,
  registerKernel,
  relu,
  scalar,
  sub,
  type Tensor,
  type TensorInfo,
  tensor1d,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';
import { onCpu } from './on-cpu.ts';

const backendName = 'tensorflow';

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
    const [x, alpha] = [inputs.x as Tensor, inputs.alpha as Tensor];
    return tidy(() => add(relu(x), mul(mul(alpha, sub(x, abs(x))), 0.5)));
  });
  overrideKernel(backendName, 'ArgMax', argExtreme(Number.NEGATIVE_INFINITY));
  overrideKernel(backendName, 'ArgMin', argExtreme(Number.POSITIVE_INFINITY));
  // keeps a NaN, where tfjs says 0
  overrideKernel(backendName, 'Sign', (stock) => (params) => {
    const x = params.inputs.x as Tensor;
    if (x.dtype !== 'float32') return stock(params);
    return tidy(() => where(isNotANumber(x), fill(x.shape, 0), stock(params) as Tensor));
  });
  overrideKernel(backendName, 'Multinomial', () => multinomial);
  for (const [name, when] of Object.entries(unsupported)) {
    overrideKernel(backendName, name, (stock) => {
      const instead = onCpu(name);
      return (params) => (when(params) ? instead(params) : stock(params));
    });
  }
}

type Call = Parameters<KernelFunc>[0];

const first = ({ inputs }: Call): TensorInfo => Object.values(inputs)[0] as TensorInfo;
const notFloat = (call: Call): boolean => ['int32', 'bool'].includes(first(call).dtype);
const isTruth = (call: Call): boolean => first(call).dtype === 'bool';
const isText = (call: Call): boolean => first(call).dtype === 'string';
const oddPadding = ({ attrs }: Call): boolean => attrs?.pad !== 'same' && attrs?.pad !== 'valid';

const each = (names: readonly string[], when: (call: Call) => boolean): { [kernel: string]: typeof when } =>
  Object.fromEntries(names.map((name) => [name, when]));

/** Calls that TensorFlow refuses or answers otherwise than tfjs, by kernel: they run on the cpu backend. */
const unsupported: { readonly [kernel: string]: (call: Call) => boolean } = {
  ...each(
    ['AvgPool', 'AvgPoolGrad', 'AvgPool3D', 'AvgPool3DGrad', 'MaxPool', 'MaxPoolGrad', 'MaxPool3D', 'MaxPool3DGrad'],
    oddPadding,
  ),
  ...each(['Conv2DBackpropInput', 'Conv2DBackpropFilter'], ({ attrs }) => Array.isArray(attrs?.pad)),
  FusedConv2D: ({ attrs }) => attrs?.dataFormat !== 'NHWC',
  ...each(['Greater', 'GreaterEqual', 'Less', 'LessEqual'], isText),
  ...each(
    ['LeakyRelu', 'Step', 'Log1p', 'Softplus', 'Selu', 'IsNan', 'IsFinite', 'IsInf', 'Reciprocal', 'Atan2'],
    notFloat,
  ),
  ...each(['Add', 'Sub', 'Multiply', 'Maximum', 'Minimum', 'Diag'], isTruth),
  // overflow and negative powers of whole numbers
  ...each(['Pow', 'Square'], notFloat),
  // TensorFlow wants indices [..., depth]; tfjs also takes a list of them
  ScatterNd: ({ inputs }) => (inputs.indices as TensorInfo).shape.length < 2,
};

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
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number; readonly TF_INT32: number };
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly TensorInfo[]): Tensor;
}

/** A NaN is passed over, as on the other backends: it counts as the worst value. Truth values are compared as numbers. */
const argExtreme =
  (worst: number) =>
  (stock: KernelFunc): KernelFunc =>
  (params) => {
    const x = params.inputs.x as Tensor;
    return tidy(() => {
      const numbers = x.dtype === 'float32' ? where(isNotANumber(x), fill(x.shape, worst), x) : cast(x, 'int32');
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
