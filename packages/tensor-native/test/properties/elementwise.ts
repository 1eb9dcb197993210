// Cases of element-wise kernels: every operation, random shapes of up to rank 8, empty tensors, NaN and infinities.
import * as tf from '@tensorflow/tfjs-core';
import type { Case } from './compare.ts';
import type { Draw, ValueOptions } from './draw.ts';

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

function unary(f: Unary, values: ValueOptions = {}, tolerance = 2e-6): (draw: Draw) => Case {
  return (draw) => {
    const special = draw.flag() ? 0.2 : 0;
    const shape = draw.shape([0, 8], { min: draw.flag() ? 1 : 0 });
    return { inputs: [draw.values(shape, { low: -6, high: 6, special, ...values })], run: f, tolerance };
  };
}

function binary(f: Binary, values: ValueOptions = {}, tolerance = 2e-6): (draw: Draw) => Case {
  return (draw) => {
    const shape = draw.shape([0, 8], { min: draw.flag() ? 1 : 0 });
    const other = draw.flag() ? shape : draw.broadcastable(shape);
    const special = draw.flag() && values.dtype === undefined ? 0.2 : 0;
    const inputs = [draw.values(shape, { special, ...values }), draw.values(other, { special, ...values })];
    return { inputs: draw.flag() ? inputs : inputs.reverse(), run: f, tolerance };
  };
}

const int: ValueOptions = { dtype: 'int32', low: -9, high: 9 };
const bool: ValueOptions = { dtype: 'bool' };

export const elementwise: Record<string, (draw: Draw) => Case> = {
  abs: unary(tf.abs),
  'abs int32': unary(tf.abs, int),
  acos: unary(tf.acos, { low: -1, high: 1 }),
  acosh: unary(tf.acosh, { low: 1, high: 20 }),
  asin: unary(tf.asin, { low: -1, high: 1 }),
  asinh: unary(tf.asinh),
  atan: unary(tf.atan),
  atanh: unary(tf.atanh, { low: -0.99, high: 0.99 }),
  ceil: unary(tf.ceil),
  clipByValue: unary((x) => tf.clipByValue(x, -1.5, 2.25)),
  'clipByValue to one value': unary((x) => tf.clipByValue(x, 2, 2)),
  'clipByValue int32': unary((x) => tf.clipByValue(x, -3, 4), int),
  cos: unary(tf.cos, { low: -100, high: 100 }),
  cosh: unary(tf.cosh),
  elu: unary(tf.elu),
  erf: unary(tf.erf),
  exp: unary(tf.exp, { low: -100, high: 80 }),
  expm1: unary(tf.expm1),
  floor: unary(tf.floor),
  isFinite: unary(tf.isFinite),
  isInf: unary(tf.isInf),
  isNaN: unary(tf.isNaN),
  leakyRelu: unary((x) => tf.leakyRelu(x as tf.Tensor2D, 0.3)),
  log: unary(tf.log, { low: 0, high: 50 }),
  log1p: unary(tf.log1p, { low: -0.9, high: 50 }),
  logicalNot: unary(tf.logicalNot as Unary, bool),
  neg: unary(tf.neg),
  'neg int32': unary(tf.neg, int),
  reciprocal: unary(tf.reciprocal),
  relu: unary(tf.relu),
  'relu int32': unary(tf.relu, int),
  relu6: unary(tf.relu6, { low: -3, high: 9 }),
  round: unary((x) => tf.round(tf.mul(x, 0.5)), { low: -9, high: 9 }),
  rsqrt: unary(tf.rsqrt, { low: 0.01, high: 50 }),
  selu: unary(tf.selu),
  sigmoid: unary(tf.sigmoid, { low: -80, high: 80 }),
  sign: unary(tf.sign),
  sin: unary(tf.sin, { low: -100, high: 100 }),
  'sin of large numbers': unary(tf.sin, { low: -1e6, high: 1e6 }),
  sinh: unary(tf.sinh),
  softplus: unary(tf.softplus, { low: -40, high: 40 }),
  sqrt: unary(tf.sqrt, { low: 0, high: 50 }),
  square: unary(tf.square),
  'square int32': unary(tf.square, int),
  step: unary((x) => tf.step(x, 0.25)),
  tan: unary(tf.tan, { low: -1.5, high: 1.5 }, 1e-5),
  tanh: unary(tf.tanh),
  add: binary(tf.add),
  'add int32': binary(tf.add, int),
  addN: binary((a, b) => tf.addN([tf.add(a, b), tf.sub(a, b), tf.mul(a, b)])),
  atan2: binary(tf.atan2),
  div: binary(tf.div),
  'div int32': binary(tf.div, { ...int, low: 1 }),
  floorDiv: binary(tf.floorDiv, { low: 0.5, high: 9 }),
  'floorDiv int32': binary(tf.floorDiv, { ...int, low: 1 }),
  maximum: binary(tf.maximum),
  'maximum int32': binary(tf.maximum, int),
  minimum: binary(tf.minimum),
  'minimum int32': binary(tf.minimum, int),
  mod: binary(tf.mod, { low: -7, high: 7 }, 1e-5),
  'mod int32': binary(tf.mod, int),
  mul: binary(tf.mul),
  'mul int32': binary(tf.mul, int),
  pow: binary(tf.pow, { low: 0.1, high: 3 }),
  'pow of any base': binary(tf.pow),
  'pow of a whole exponent': binary((a) => tf.pow(a, tf.scalar(3))),
  'pow int32': binary((a, b) => tf.pow(a, tf.abs(b)), { dtype: 'int32', low: -4, high: 4 }),
  prelu: binary(tf.prelu),
  squaredDifference: binary(tf.squaredDifference),
  'squaredDifference int32': binary(tf.squaredDifference, int),
  sub: binary(tf.sub),
  'sub int32': binary(tf.sub, int),
  equal: binary(tf.equal),
  'equal int32': binary(tf.equal, { dtype: 'int32', low: 0, high: 2 }),
  'equal bool': binary(tf.equal, bool),
  notEqual: binary(tf.notEqual),
  greater: binary(tf.greater),
  'greater int32': binary(tf.greater, int),
  greaterEqual: binary(tf.greaterEqual),
  less: binary(tf.less),
  lessEqual: binary(tf.lessEqual),
  'lessEqual bool': binary(tf.lessEqual, bool),
  logicalAnd: binary(tf.logicalAnd as Binary, bool),
  logicalOr: binary(tf.logicalOr as Binary, bool),
  logicalXor: binary(tf.logicalXor as Binary, bool),
  where: binary((a, b) => tf.where(tf.less(a, b), a, b)),
  'where int32': binary((a, b) => tf.where(tf.less(a, b), a, b), int),
  eluGrad: unary(tf.grad(tf.elu)),
  cast: (draw) => {
    const from = draw.pick(['float32', 'int32', 'bool'] as const);
    const to = draw.pick(['float32', 'int32', 'bool'] as const);
    const values = draw.values(draw.shape([0, 6], { min: 0 }), { dtype: from, low: -300, high: 300 });
    return { inputs: [values], run: (x) => tf.cast(x, to) };
  },
  'cast of numbers beyond int32': unary((x) => tf.cast(x, 'int32'), { low: -1e11, high: 1e11 }),
  onesLike: unary(tf.onesLike),
  zerosLike: unary(tf.zerosLike, int),
  fill: (draw) => {
    const shape = draw.shape([0, 5], { min: 0 });
    const value = draw.int(-5, 5);
    const dtype = draw.pick(['float32', 'int32', 'bool'] as const);
    return { inputs: [], run: () => tf.fill(shape, dtype === 'bool' ? Number(value > 0) : value, dtype) };
  },
  range: (draw) => {
    const [start, stop, step] = [draw.int(-20, 20), draw.int(-20, 20), draw.int(1, 4)];
    const dtype = draw.pick(['float32', 'int32'] as const);
    return { inputs: [], run: () => tf.range(start, stop, stop < start ? -step : step, dtype) };
  },
  linspace: (draw) => {
    const [start, stop, count] = [draw.int(-20, 20), draw.int(-20, 20), draw.int(1, 100)];
    return { inputs: [], run: () => tf.linspace(start, stop, count), tolerance: 1e-4 };
  },
};
