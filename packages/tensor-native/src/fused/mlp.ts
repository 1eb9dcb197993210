// Chains of linear layers, one network or several of one form, as one command each way (cc/kernels/mlp.cc). The formulas
// stand at the op, tensor-core/src/ops/internal/mlp-op.ts.
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { ACTIVATION, type NativeActivation } from '../activation.ts';
import { backend } from '../backend.ts';
import { op, optionalOp, send, commandWords as words } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';
import { operandAddress, packedOperand } from '../kernels/packed.ts';
import { addressOrNone, type Inputs, inputsOf, needsInput, outputsOf, rowsOf } from './linear.ts';

const MLP = op('mlp');
const MLP_GRAD = op('mlp_grad');
const GEMM_BF16 = optionalOp('gemm_bf16');

interface Chain {
  nets: number;
  layers: number;
  activation: NativeActivation;
  outIn: boolean;
}

/** A layer's inputs by its number, net · layers + i. Spelt once, not at every call. */
const layerNames: { weight: string; bias: string; extra: string }[] = [];
function namesOf(layer: number): { weight: string; bias: string; extra: string } {
  for (let i = layerNames.length; i <= layer; i++)
    layerNames.push({ weight: `weight${i}`, bias: `bias${i}`, extra: `extra${i}` });
  return layerNames[layer] as { weight: string; bias: string; extra: string };
}

const weightOf = (inputs: Inputs, layer: number): TensorInfo => inputs[namesOf(layer).weight] as TensorInfo;

/** The words that both commands begin with. @returns where the lists of the nets begin */
function head(inputs: Inputs, { nets, layers, activation, outIn }: Chain, rows: number, sixth: number): number {
  words[1] = backend.matMulPrecision === 'bf16' ? GEMM_BF16 : -1;
  words[2] = nets;
  words[3] = rows;
  words[4] = layers;
  words[5] = ACTIVATION[activation];
  words[6] = sixth;
  words[7] = outIn ? 1 : 0;
  words[8] = inputsOf(weightOf(inputs, 0), outIn);
  for (let i = 0; i < layers; i++) words[9 + i] = outputsOf(weightOf(inputs, i), outIn);
  return 9 + layers;
}

/** The address of one net's share of a stack, 0 where there is none. */
const share = (stack: TensorInfo | undefined, net: number, elements: number): number =>
  stack === undefined ? 0 : backend.address(stack) + 4 * net * elements;

interface MlpAttributes extends Chain {
  outputActivation: NativeActivation;
  stacked: boolean;
  training: boolean;
}

const mlp = nativeKernel<Inputs, MlpAttributes>('Mlp', ({ inputs, attrs }) => {
  const { nets, layers, activation, outputActivation, outIn, stacked, training } = attrs;
  const x = inputs.x as TensorInfo;
  const { residual } = inputs;
  const rows = rowsOf(x, inputsOf(weightOf(inputs, 0), outIn));
  // of every layer what it gives, and the activation's input where backward wants it
  const [out, pre]: [TensorInfo[], (TensorInfo | undefined)[]] = [[], []];
  for (let i = 0; i < layers; i++) {
    const last = i === layers - 1;
    const width = outputsOf(weightOf(inputs, i), outIn);
    const act = last ? outputActivation : activation;
    const keepsInput = training && act !== 'linear' && (needsInput(act) || (last && residual !== undefined));
    pre.push(keepsInput ? backend.output([nets * rows, width]) : undefined);
    const shape = last ? [...(stacked ? [nets] : []), ...x.shape.slice(0, -1), width] : [nets * rows, width];
    out.push(backend.output(shape));
  }

  let at = head(inputs, attrs, rows, ACTIVATION[outputActivation]);
  const from = backend.address(x);
  for (let net = 0; net < nets; net++) {
    words[at++] = from;
    words[at++] = addressOrNone(residual);
    for (let i = 0; i < layers; i++) {
      const weight = weightOf(inputs, net * layers + i);
      const width = outputsOf(weight, outIn);
      const packed = packedOperand(weight, inputsOf(weight, outIn), width, outIn);
      words[at++] = operandAddress(weight, packed);
      words[at++] = addressOrNone(inputs[namesOf(net * layers + i).bias]);
      words[at++] = share(pre[i], net, rows * width);
      words[at++] = share(out[i], net, rows * width);
      words[at++] = packed;
    }
  }
  send(MLP, at - 1);

  const results = [out[layers - 1] as TensorInfo];
  for (let i = 0; i < layers; i++) {
    const [z, h] = [pre[i], out[i] as TensorInfo];
    if (z !== undefined) results.push(z);
    if (i === layers - 1) break;
    if (training) results.push(h);
    else backend.disposeIntermediateTensorInfo(h);
  }
  return results;
});

interface GradAttributes extends Chain {
  wanted: readonly number[];
  wantsX: boolean;
}

const mlpGrad = nativeKernel<Inputs, GradAttributes>('MlpGrad', ({ inputs, attrs }) => {
  const { nets, layers, activation, outIn, wanted, wantsX } = attrs;
  const { x, dz: last } = inputs as { x: TensorInfo; dz: TensorInfo };
  const rows = rowsOf(x, inputsOf(weightOf(inputs, 0), outIn));
  let lowest = layers;
  for (let j = 0; j < wanted.length; j++) if (wanted[j] !== 0 && j % layers < lowest) lowest = j % layers;

  const results: TensorInfo[] = [];
  const dzs: (TensorInfo | undefined)[] = [];
  for (let i = 0; i < layers - 1; i++) {
    const needed = wantsX || i >= lowest;
    dzs.push(needed ? backend.output([nets * rows, outputsOf(weightOf(inputs, i), outIn)]) : undefined);
  }
  dzs.push(last);
  const dx = wantsX ? backend.output(x.shape) : undefined;
  const moreDx =
    wantsX && nets > 1 ? backend.output([nets - 1, rows, inputsOf(weightOf(inputs, 0), outIn)]) : undefined;
  const made = (shape: number[]): number => {
    const tensor = backend.output(shape);
    results.push(tensor);
    return backend.address(tensor);
  };

  let at = head(inputs, attrs, rows, lowest);
  const from = backend.address(x);
  for (let net = 0; net < nets; net++) {
    words[at++] = from;
    words[at++] = share(last, net, rows * outputsOf(weightOf(inputs, layers - 1), outIn));
    words[at++] = net === 0 ? addressOrNone(dx) : share(moreDx, net - 1, rows * inputsOf(weightOf(inputs, 0), outIn));
    let extra = 0;
    for (let i = 0; i < layers; i++) {
      const weight = weightOf(inputs, net * layers + i);
      const [width, what] = [outputsOf(weight, outIn), wanted[net * layers + i] as number];
      // kept of a hidden layer: z where the derivative is taken from it, and h
      const saved = i < layers - 1 ? inputs[namesOf(extra).extra] : undefined;
      if (i < layers - 1 && needsInput(activation)) extra++;
      const h = i < layers - 1 ? inputs[namesOf(extra).extra] : undefined;
      extra++;
      const packed = packedOperand(weight, width, inputsOf(weight, outIn), !outIn);
      words[at++] = operandAddress(weight, packed);
      words[at++] = packed;
      words[at++] = share(saved, net, rows * width);
      words[at++] = share(h, net, rows * width);
      words[at++] = share(dzs[i], net, rows * width);
      words[at++] = what & 1 ? made(weight.shape) : 0;
      words[at++] = what & 2 ? made([width]) : 0;
    }
  }
  send(MLP_GRAD, at - 1);

  for (let i = 0; i < layers - 1; i++) {
    const dz = dzs[i];
    if (dz !== undefined) backend.disposeIntermediateTensorInfo(dz);
  }
  if (moreDx !== undefined) backend.disposeIntermediateTensorInfo(moreDx);
  if (dx !== undefined) results.push(dx);
  return results;
});

export const kernels: readonly KernelConfig[] = [mlp, mlpGrad];
