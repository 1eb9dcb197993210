import { ones, type Tensor } from '@tensorflow/tfjs-core';
import { type Activation, activations } from '../activations.ts';
import { gatedMlp } from '../gated-mlp.ts';
import { linear, mlp, mlpEnsemble, type WeightLayout } from '../mlp.ts';
import { act, at, mapNd, plus, plusVector, product } from './reference.ts';
import { floats } from './samples.ts';
import type { Nd, OpCase, OpRow, Sample } from './types.ts';

type Nds = { [name: string]: Nd };
type Tensors = { [name: string]: Tensor };

const layer = (x: Nd, w: Nd, b: Nd | undefined, activation: Activation, layout: WeightLayout): Nd =>
  mapNd(plusVector(product(x, w, layout === 'out-in'), b), (v) => act(v, activation));

const oriented = (inSize: number, outSize: number, layout: WeightLayout): number[] =>
  layout === 'in-out' ? [inSize, outSize] : [outSize, inSize];

function linearCase(
  lead: number[],
  [k, n]: [number, number],
  o: { activation?: Activation; bias?: boolean; residual?: boolean; weightLayout?: WeightLayout } = {},
): OpCase {
  const { activation = 'linear', bias = true, residual = false, weightLayout = 'in-out' } = o;
  const inputs: { [name: string]: Sample } = {
    x: floats([...lead, k], 1),
    weight: floats(oriented(k, n, weightLayout), 2),
  };
  if (bias) inputs.bias = floats([n], 3);
  if (residual) inputs.residual = floats([...lead, n], 4);
  return {
    title: `[${[...lead, k]}] to ${n}, ${activation}, ${weightLayout}${bias ? ', bias' : ''}${residual ? ', residual' : ''}`,
    inputs,
    run: ({ x, weight, ...rest }: Tensors) =>
      linear(x as Tensor, weight as Tensor, { activation, weightLayout, ...rest }),
    differentiable: Object.keys(inputs),
    reference: (i: Nds) => [plus(layer(i.x as Nd, i.weight as Nd, i.bias, activation, weightLayout), i.residual)],
  };
}

function mlpCase(
  lead: number[],
  widths: number[],
  o: {
    activation: Activation;
    outputActivation?: Activation;
    residual?: boolean;
    weightLayout?: WeightLayout;
    bias?: boolean;
  },
): OpCase {
  const { outputActivation = 'linear', weightLayout = 'in-out', bias = true, residual = false, activation } = o;
  const layers = widths.length - 1;
  const inputs: { [name: string]: Sample } = { x: floats([...lead, widths[0] as number], 1) };
  for (let i = 0; i < layers; i++) {
    const [k, n] = [widths[i] as number, widths[i + 1] as number];
    inputs[`w${i}`] = floats(oriented(k, n, weightLayout), 10 + i);
    if (bias) inputs[`b${i}`] = floats([n], 20 + i);
  }
  if (residual) inputs.residual = floats([...lead, widths[layers] as number], 4);
  return {
    title: `[${lead}] ${widths.join('-')}, ${activation}, ${outputActivation}, ${weightLayout}${residual ? ', residual' : ''}${bias ? '' : ', no bias'}`,
    inputs,
    run: (t: Tensors) =>
      mlp(
        t.x as Tensor,
        Array.from({ length: layers }, (_, i) => ({ weight: t[`w${i}`] as Tensor, bias: t[`b${i}`] })),
        { activation, outputActivation, weightLayout, residual: t.residual },
      ),
    differentiable: Object.keys(inputs),
    reference: (t: Nds) => {
      let h = t.x as Nd;
      for (let i = 0; i < layers; i++)
        h = layer(h, t[`w${i}`] as Nd, t[`b${i}`], i < layers - 1 ? activation : outputActivation, weightLayout);
      return [plus(h, t.residual)];
    },
  };
}

function ensembleCase(
  lead: number[],
  widths: number[],
  nets: number,
  o: { activation: Activation; outputActivation?: Activation; weightLayout?: WeightLayout; bias?: boolean },
): OpCase {
  const { outputActivation = 'linear', weightLayout = 'in-out', bias = true, activation } = o;
  const layers = widths.length - 1;
  const inputs: { [name: string]: Sample } = { x: floats([...lead, widths[0] as number], 1) };
  for (let j = 0; j < nets * layers; j++) {
    const [k, n] = [widths[j % layers] as number, widths[(j % layers) + 1] as number];
    inputs[`w${j}`] = floats(oriented(k, n, weightLayout), 10 + j);
    if (bias) inputs[`b${j}`] = floats([n], 30 + j);
  }
  const each = <T>(f: (net: number) => T): T[] => Array.from({ length: nets }, (_, net) => f(net));
  return {
    title: `${nets} × [${lead}] ${widths.join('-')}, ${activation}, ${outputActivation}, ${weightLayout}${bias ? '' : ', no bias'}`,
    inputs,
    run: (t: Tensors) => {
      const layer = (j: number) => ({ weight: t[`w${j}`] as Tensor, bias: t[`b${j}`] });
      const layersOf = (net: number) => Array.from({ length: layers }, (_, i) => layer(net * layers + i));
      return mlpEnsemble(t.x as Tensor, each(layersOf), { activation, outputActivation, weightLayout });
    },
    differentiable: Object.keys(inputs),
    reference: (t: Nds) => {
      const results = each((net) => {
        let h = t.x as Nd;
        for (let i = 0; i < layers; i++) {
          const j = net * layers + i;
          h = layer(h, t[`w${j}`] as Nd, t[`b${j}`], i < layers - 1 ? activation : outputActivation, weightLayout);
        }
        return h;
      });
      const data = Float64Array.from(results.flatMap((r) => [...r.data]));
      return [{ shape: [nets, ...(results[0] as Nd).shape], data }];
    },
  };
}

function gatedCase(
  lead: number[],
  d: number,
  f: number,
  o: { activation: Activation; weightLayout?: WeightLayout; residual?: boolean },
): OpCase {
  const { activation, weightLayout = 'in-out', residual = false } = o;
  const inputs: { [name: string]: Sample } = {
    x: floats([...lead, d], 1),
    gate: floats(oriented(d, f, weightLayout), 2),
    up: floats(oriented(d, f, weightLayout), 3),
    down: floats(oriented(f, d, weightLayout), 4),
  };
  if (residual) inputs.residual = floats([...lead, d], 5);
  return {
    title: `[${lead}] ${d}-${f}, ${activation}, ${weightLayout}${residual ? ', residual' : ''}`,
    inputs,
    run: ({ x, gate, up, down, residual: r }: Tensors) =>
      gatedMlp(
        x as Tensor,
        { gate: gate as Tensor, up: up as Tensor, down: down as Tensor },
        { activation, weightLayout, residual: r },
      ),
    differentiable: Object.keys(inputs),
    reference: (t: Nds) => {
      const transposed = weightLayout === 'out-in';
      const g = mapNd(product(t.x as Nd, t.gate as Nd, transposed), (v) => act(v, activation));
      const u = product(t.x as Nd, t.up as Nd, transposed);
      const h = mapNd(g, (v, i) => v * at(u.data, i));
      return [plus(product(h, t.down as Nd, transposed), t.residual)];
    },
  };
}

export const linearRows: OpRow[] = [
  {
    name: 'linear',
    cases: [
      linearCase([], [3, 4]),
      linearCase([5], [7, 9]),
      linearCase([5], [7, 9], { bias: false, weightLayout: 'out-in' }),
      linearCase([2, 3], [5, 1], { residual: true }),
      linearCase([1], [17, 33], { activation: 'gelu', weightLayout: 'out-in' }),
      linearCase([2, 2, 3], [4, 6], { activation: 'silu' }),
      linearCase([0], [3, 4]),
      linearCase([37], [65, 41], { activation: 'relu', residual: true }),
      ...activations.map((activation) => linearCase([3], [4, 5], { activation, residual: true })),
      ...activations.map((activation) => linearCase([3], [4, 5], { activation })),
    ],
    errors: [
      {
        title: 'a weight stored the other way round',
        run: () => linear(ones([2, 3]), ones([4, 3])),
        code: 'ERR_SHAPE',
        message:
          "linear: weight does not fit its input, which is 3 wide; got [4,3], wanted [3,N]. Pass weightLayout: 'out-in'?",
      },
      {
        title: 'a bias of another width',
        run: () => linear(ones([2, 3]), ones([3, 4]), { bias: ones([3]) }),
        code: 'ERR_SHAPE',
        message: 'linear: bias has the wrong shape; got [3], wanted [4]',
      },
      {
        title: 'an unknown layout',
        run: () => linear(ones([2, 3]), ones([3, 4]), { weightLayout: 'inout' as WeightLayout }),
        code: 'ERR_CONFIG',
        message: 'linear: unknown weightLayout; got "inout", wanted one of in-out, out-in. Did you mean in-out?',
      },
    ],
  },
  {
    name: 'mlp',
    cases: [
      mlpCase([6], [5, 8, 3], { activation: 'relu' }),
      mlpCase([4], [5, 8, 7, 1], { activation: 'tanh', outputActivation: 'tanh' }),
      mlpCase([2, 3], [4, 16, 4], { activation: 'gelu', residual: true }),
      mlpCase([2, 3], [4, 16, 4], { activation: 'gelu-erf', residual: true, weightLayout: 'out-in' }),
      mlpCase([3], [4, 6, 5, 2], { activation: 'silu', outputActivation: 'gelu', weightLayout: 'out-in', bias: false }),
      mlpCase([3], [4, 6, 5], { activation: 'elu', outputActivation: 'sigmoid', residual: true }),
      mlpCase([33], [17, 64, 64, 4], { activation: 'relu' }),
      mlpCase([3], [4, 5], { activation: 'relu' }),
      mlpCase([], [4, 5, 3], { activation: 'softplus' }),
      mlpCase([0], [4, 5, 3], { activation: 'relu' }),
      // enough for several threads
      mlpCase([130], [17, 64, 48, 4], { activation: 'tanh' }),
      mlpCase([128], [20, 64, 48, 3], { activation: 'silu', weightLayout: 'out-in' }),
      mlpCase([20], [40, 160, 120, 2], { activation: 'tanh' }),
    ],
    errors: [
      {
        title: 'layers that do not fit each other',
        run: () => mlp(ones([2, 3]), [{ weight: ones([3, 8]) }, { weight: ones([7, 2]) }]),
        code: 'ERR_SHAPE',
        message: 'mlp: layers[1].weight does not fit its input, which is 8 wide; got [7,2], wanted [8,N]',
      },
      {
        title: 'no layers',
        run: () => mlp(ones([2, 3]), []),
        code: 'ERR_SHAPE',
        message: 'mlp: there is no layer; got 0, wanted at least one',
      },
    ],
  },
  {
    name: 'mlpEnsemble',
    cases: [
      ensembleCase([6], [5, 8, 3], 1, { activation: 'relu' }),
      ensembleCase([6], [5, 8, 7, 1], 2, { activation: 'tanh' }),
      ensembleCase([2, 3], [4, 9, 2], 3, { activation: 'gelu', outputActivation: 'silu', weightLayout: 'out-in' }),
      ensembleCase([5], [4, 6, 5], 2, { activation: 'elu', outputActivation: 'sigmoid', bias: false }),
      // enough for several threads
      ensembleCase([130], [8, 48, 40, 1], 2, { activation: 'tanh' }),
      ensembleCase([130], [8, 40, 32, 2], 3, { activation: 'silu', weightLayout: 'out-in' }),
    ],
    errors: [
      {
        title: 'networks of two forms',
        run: () => mlpEnsemble(ones([2, 3]), [[{ weight: ones([3, 8]) }], [{ weight: ones([3, 7]) }]]),
        code: 'ERR_SHAPE',
        message:
          'mlpEnsemble: nets[1][0].weight has the wrong shape; got [3,7], wanted [3,8] like that of the first network',
      },
      {
        title: 'a bias in one network only',
        run: () => mlpEnsemble(ones([2, 3]), [[{ weight: ones([3, 8]), bias: ones([8]) }], [{ weight: ones([3, 8]) }]]),
        code: 'ERR_SHAPE',
        message: 'mlpEnsemble: nets[1][0].bias: all networks have a bias there, or none',
      },
      {
        title: 'no networks',
        run: () => mlpEnsemble(ones([2, 3]), []),
        code: 'ERR_SHAPE',
        message: 'mlpEnsemble: there is no network; got 0, wanted at least one',
      },
    ],
  },
  {
    name: 'gatedMlp',
    cases: [
      gatedCase([5], 4, 6, { activation: 'silu' }),
      gatedCase([2, 3], 8, 12, { activation: 'gelu', residual: true }),
      gatedCase([2, 3], 7, 11, { activation: 'silu', residual: true, weightLayout: 'out-in' }),
      gatedCase([35], 33, 40, { activation: 'silu' }),
      gatedCase([3], 4, 6, { activation: 'relu' }),
    ],
    errors: [
      {
        title: 'gate and up of two shapes',
        run: () => gatedMlp(ones([2, 3]), { gate: ones([3, 4]), up: ones([3, 5]), down: ones([4, 3]) }),
        code: 'ERR_SHAPE',
        message: 'gatedMlp: up has the wrong shape; got [3,5], wanted [3,4] like gate',
      },
    ],
  },
];
