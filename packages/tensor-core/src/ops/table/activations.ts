import { ones, type Tensor } from '@tensorflow/tfjs-core';
import {
  type Activation,
  activate,
  activations,
  gatedActivation,
  geglu,
  gelu,
  geluErf,
  silu,
  swiglu,
} from '../activations.ts';
import { act, at, mapNd } from './reference.ts';
import { floats, numbers } from './samples.ts';
import type { Nd, OpCase, OpRow } from './types.ts';

// far from 0 too, where careless forms overflow; no number at a kink
const wide = numbers([11], [-90, -20, -6, -1.5, -0.3, 0.01, 0.4, 1.7, 6, 20, 90]);

const cases = (run: (x: Tensor) => Tensor, activation: Activation): OpCase[] =>
  [
    ['wide range', wide],
    ['rank 2, odd sizes', floats([7, 33], 1, 4)],
    ['rank 4', floats([2, 3, 4, 5], 2, 3)],
    ['empty', floats([0, 3], 3)],
    ['scalar', floats([], 4)],
  ].map(([title, x]) => ({
    title: `${activation}, ${title as string}`,
    inputs: { x: x as OpCase['inputs'][string] },
    run: ({ x: t }) => run(t as Tensor),
    differentiable: ['x'],
    reference: ({ x: t }) => [mapNd(t as Nd, (v) => act(v, activation))],
  }));

const gatedCases = (run: (gate: Tensor, up: Tensor) => Tensor, activation: Activation): OpCase[] =>
  [[5], [3, 17], [2, 3, 4, 8]].map((shape) => ({
    title: `${activation}, rank ${shape.length}`,
    inputs: { gate: floats(shape, 5, 3), up: floats(shape, 6, 2) },
    run: ({ gate, up }) => run(gate as Tensor, up as Tensor),
    differentiable: ['gate', 'up'],
    reference: ({ gate, up }) => [mapNd(gate as Nd, (v, i) => act(v, activation) * at((up as Nd).data, i))],
  }));

export const activationRows: OpRow[] = [
  {
    name: 'activate',
    cases: activations.flatMap((name) => cases((x) => activate(x, name), name)),
    errors: [
      {
        title: 'an unknown activation',
        run: () => activate(ones([2]), 'gleu' as Activation),
        code: 'ERR_CONFIG',
        message:
          'activate: unknown activation; got "gleu", wanted one of linear, relu, gelu, gelu-erf, silu, tanh, sigmoid, elu, softplus. Did you mean gelu?',
      },
      {
        title: 'integers',
        run: () => activate(ones([2], 'int32'), 'relu'),
        code: 'ERR_SHAPE',
        message: 'activate: x has the wrong dtype; got "int32", wanted float32. Convert it with cast(x, \'float32\').',
      },
    ],
  },
  { name: 'gelu', cases: cases(gelu, 'gelu'), errors: [] },
  { name: 'geluErf', cases: cases(geluErf, 'gelu-erf'), errors: [] },
  { name: 'silu', cases: cases(silu, 'silu'), errors: [] },
  {
    name: 'gatedActivation',
    cases: activations.flatMap((name) => gatedCases((gate, up) => gatedActivation(gate, up, name), name)),
    errors: [
      {
        title: 'two shapes',
        run: () => gatedActivation(ones([2, 3]), ones([2, 4]), 'silu'),
        code: 'ERR_SHAPE',
        message: 'gatedActivation: up has the wrong shape; got [2,4], wanted [2,3] like gate',
      },
    ],
  },
  { name: 'swiglu', cases: gatedCases(swiglu, 'silu'), errors: [] },
  { name: 'geglu', cases: gatedCases(geglu, 'gelu'), errors: [] },
];
