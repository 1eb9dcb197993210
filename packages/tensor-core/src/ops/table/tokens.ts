import { ones, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { type CrossEntropyOptions, crossEntropy, tokenLogProbs } from '../cross-entropy.ts';
import { embedding } from '../embedding.ts';
import { linearCrossEntropy } from '../linear-cross-entropy.ts';
import { sampleTokens } from '../sample-tokens.ts';
import { at, dim, logSumExp, nd, product, zerosNd } from './reference.ts';
import { floats, ints, numbers } from './samples.ts';
import type { Nd, OpCase, OpRow, Sample } from './types.ts';

const embeddingCase = (shape: number[], rows: number, width: number, positions?: number): OpCase => {
  const inputs: { [name: string]: Sample } = { ids: ints(shape, 1, rows), table: floats([rows, width], 2) };
  if (positions !== undefined) inputs.positions = floats([positions, width], 3);
  return {
    title: `[${shape}] of ${rows} by ${width}${positions === undefined ? '' : `, ${positions} positions`}`,
    inputs,
    run: ({ ids, table, ...o }) => embedding(ids as Tensor, table as Tensor, o),
    differentiable: Object.keys(inputs).slice(1),
    reference: ({ ids, table, positions: p }) => {
      const time = shape[shape.length - 1] ?? 1;
      const out = zerosNd([...shape, width]);
      (ids as Nd).data.forEach((id, i) => {
        for (let j = 0; j < width; j++)
          out.data[i * width + j] =
            at((table as Nd).data, id * width + j) + (p === undefined ? 0 : at(p.data, (i % time) * width + j));
      });
      return [out];
    },
  };
};

/** Losses by the definition, in float64. */
function lossReference(logits: Nd, targets: Nd, weights: Nd | undefined, o: CrossEntropyOptions, temperature = 1): Nd {
  const v = dim(logits, -1);
  const { labelSmoothing = 0, reduction = 'mean' } = o;
  const losses = Array.from(targets.data, (target, r) => {
    if (weights !== undefined && at(weights.data, r) === 0) return 0;
    const x = Array.from(logits.data.subarray(r * v, (r + 1) * v), (value) => value / temperature);
    const lse = logSumExp(x);
    const smooth = labelSmoothing === 0 ? 0 : lse - x.reduce((a, b) => a + b, 0) / v;
    const loss = (1 - labelSmoothing) * (lse - (x[target] as number)) + labelSmoothing * smooth;
    return loss * (weights === undefined ? 1 : at(weights.data, r));
  });
  if (reduction === 'none') return nd(targets.shape, losses);
  const total = losses.reduce((a, b) => a + b, 0);
  const count = weights === undefined ? losses.length : weights.data.reduce((a, b) => a + b, 0);
  return nd([], [reduction === 'sum' ? total : total / (count === 0 ? 1 : count)]);
}

function crossEntropyCase(
  lead: number[],
  classes: number,
  o: CrossEntropyOptions & { weighted?: boolean } = {},
): OpCase {
  const { weighted = false, ...options } = o;
  const inputs: { [name: string]: Sample } = {
    logits: floats([...lead, classes], 1, 4),
    targets: ints(lead, 2, classes),
  };
  if (weighted) {
    const w = floats(lead, 3);
    inputs.weights = { ...w, data: w.data.map((x) => (x < -0.3 ? 0 : Math.fround(Math.abs(x)))) };
  }
  return {
    title: `[${[...lead, classes]}] ${JSON.stringify(o)}`,
    inputs,
    run: ({ logits, targets, weights }) => crossEntropy(logits as Tensor, targets as Tensor, { ...options, weights }),
    differentiable: ['logits'],
    reference: ({ logits, targets, weights }) => [lossReference(logits as Nd, targets as Nd, weights, options)],
  };
}

const masked = numbers([2, 3], [Number.NEGATIVE_INFINITY, 0, 1, 2, Number.NEGATIVE_INFINITY, 0]);

const logProbsCase = (lead: number[], classes: number, temperature?: number): OpCase => ({
  title: `[${[...lead, classes]}]${temperature === undefined ? '' : ` at temperature ${temperature}`}`,
  inputs: { logits: floats([...lead, classes], 1, 4), ids: ints(lead, 2, classes) },
  run: ({ logits, ids }) =>
    tokenLogProbs(logits as Tensor, ids as Tensor, temperature === undefined ? {} : { temperature }),
  differentiable: ['logits'],
  reference: ({ logits, ids }) => {
    const loss = lossReference(logits as Nd, ids as Nd, undefined, { reduction: 'none' }, temperature);
    return [
      nd(
        loss.shape,
        loss.data.map((x) => -x),
      ),
    ];
  },
});

function linearCase(
  n: number,
  d: number,
  v: number,
  o: { reduction?: 'mean' | 'sum'; labelSmoothing?: number; weighted?: boolean; frozenHead?: boolean } = {},
): OpCase {
  const { weighted = false, ...options } = o;
  const inputs: { [name: string]: Sample } = {
    hidden: floats([n, d], 1, 2),
    head: floats([v, d], 2),
    targets: ints([n], 3, v),
  };
  if (weighted)
    inputs.weights = numbers(
      [n],
      Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 0 : 0.5 + (i % 2))),
    );
  return {
    title: `${n} rows, ${d} wide, ${v} classes ${JSON.stringify(o)}`,
    inputs,
    run: ({ hidden, head, targets, weights }) =>
      linearCrossEntropy(hidden as Tensor, head as Tensor, targets as Tensor, { ...options, weights }),
    differentiable: o.frozenHead ? ['hidden'] : ['hidden', 'head'],
    reference: ({ hidden, head, targets, weights }) => [
      lossReference(product(hidden as Nd, head as Nd, true), targets as Nd, weights, options),
    ],
  };
}

/** Rows of logits 3,2,1,0 (probabilities 0.64391, 0.23688, 0.08714, 0.03206) and 0,1,2,3 at the same uniform number. */
function sampleCase(
  title: string,
  o: { temperature?: number; topK?: number; topP?: number; minP?: number },
  u: number,
  ids: [number, number],
  probabilities: [number, number],
): OpCase {
  return {
    title,
    inputs: { logits: numbers([2, 4], [3, 2, 1, 0, 0, 1, 2, 3]), uniform: numbers([2], [u, u]) },
    run: ({ logits, uniform }) => {
      const out = sampleTokens(logits as Tensor, uniform as Tensor, o);
      return [out.ids, out.logProbs];
    },
    reference: () => [nd([2], ids), nd([2], probabilities.map(Math.log))],
    tolerance: 1e-4,
  };
}

/** One row of a larger vocabulary at a topP: the reference sorts it. */
function nucleusCase(vocabulary: number, topP: number, u: number): OpCase {
  const logits = Array.from({ length: vocabulary }, (_, i) => Math.fround(4 * Math.sin(13 * i + i * i)));
  const weights = logits.map((x) => Math.exp(x - Math.max(...logits)));
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  const sorted = [...weights].sort((a, b) => b - a);
  const size = sorted.findIndex((_, i) => sum(sorted.slice(0, i + 1)) >= topP * sum(weights));
  const drawn = weights.map((w) => (w >= (sorted[size] as number) ? w : 0));
  const id = drawn.findIndex((_, i) => sum(drawn.slice(0, i + 1)) > u * sum(drawn));
  return {
    title: `topP ${topP} of ${vocabulary} tokens`,
    inputs: { logits: numbers([1, vocabulary], logits), uniform: numbers([1], [u]) },
    run: (inputs) => {
      const out = sampleTokens(inputs.logits as Tensor, inputs.uniform as Tensor, { topP });
      return [out.ids, out.logProbs];
    },
    reference: () => [nd([1], [id]), nd([1], [Math.log((drawn[id] as number) / sum(drawn))])],
    tolerance: 1e-4,
  };
}

export const tokenRows: OpRow[] = [
  {
    name: 'embedding',
    cases: [
      embeddingCase([5], 7, 3),
      embeddingCase([2, 4], 5, 8, 6),
      embeddingCase([2, 3, 4], 9, 17, 4),
      embeddingCase([40], 3, 33),
      embeddingCase([], 4, 5),
    ],
    errors: [
      {
        title: 'ids that are not whole numbers',
        run: () => embedding(ones([2]), ones([3, 4])),
        code: 'ERR_SHAPE',
        message:
          'embedding: ids has the wrong dtype; got "float32", wanted int32. Convert it with cast(ids, \'int32\').',
      },
      {
        title: 'more ids than positions',
        run: () => embedding(zeros([1, 5], 'int32'), ones([3, 4]), { positions: ones([4, 4]) }),
        code: 'ERR_SHAPE',
        message: 'embedding: ids are longer than the table of positions; got 5, wanted at most 4',
      },
    ],
  },
  {
    name: 'crossEntropy',
    cases: [
      crossEntropyCase([], 5),
      crossEntropyCase([6], 7),
      crossEntropyCase([2, 3], 33, { reduction: 'sum' }),
      crossEntropyCase([2, 3, 2], 17, { reduction: 'none' }),
      crossEntropyCase([9], 10, { weighted: true }),
      crossEntropyCase([9], 10, { weighted: true, reduction: 'sum', labelSmoothing: 0.1 }),
      crossEntropyCase([9], 10, { weighted: true, reduction: 'none', labelSmoothing: 0.2 }),
      crossEntropyCase([70], 200, { labelSmoothing: 0.1 }),
      {
        ...crossEntropyCase([2], 3),
        title: 'masked classes that are not the target',
        inputs: { logits: masked, targets: numbers([2], [1, 2], 'int32') },
        // a step along a masked class would be infinity minus infinity
        differentiable: [],
      },
      {
        ...crossEntropyCase([2], 3),
        title: 'an ignored row with a target of −100',
        inputs: {
          logits: floats([2, 3], 1),
          targets: numbers([2], [1, -100], 'int32'),
          weights: numbers([2], [1, 0]),
        },
      },
      {
        ...crossEntropyCase([2], 3),
        title: 'every row ignored',
        inputs: { logits: floats([2, 3], 1), targets: ints([2], 1, 3), weights: numbers([2], [0, 0]) },
      },
    ],
    errors: [
      {
        title: 'targets of another shape',
        run: () => crossEntropy(ones([2, 3]), zeros([3], 'int32')),
        code: 'ERR_SHAPE',
        message: 'crossEntropy: targets has the wrong shape; got [3], wanted [2]',
      },
      {
        title: 'an unknown reduction',
        run: () => crossEntropy(ones([2, 3]), zeros([2], 'int32'), { reduction: 'men' as 'mean' }),
        code: 'ERR_CONFIG',
        message: 'crossEntropy: unknown reduction; got "men", wanted one of mean, sum, none. Did you mean mean?',
      },
    ],
  },
  {
    name: 'tokenLogProbs',
    cases: [logProbsCase([2, 3], 5), logProbsCase([2, 4], 33, 0.7), logProbsCase([3], 1)],
    errors: [
      {
        title: 'a temperature of 0',
        run: () => tokenLogProbs(ones([1, 2, 3]), zeros([1, 2], 'int32'), { temperature: 0 }),
        code: 'ERR_CONFIG',
        message: 'tokenLogProbs: temperature is out of range; got 0, wanted a number > 0',
      },
    ],
  },
  {
    name: 'linearCrossEntropy',
    cases: [
      linearCase(5, 4, 7),
      linearCase(9, 8, 33, { reduction: 'sum', labelSmoothing: 0.1 }),
      linearCase(70, 16, 65, { weighted: true }),
      linearCase(6, 8, 33, { frozenHead: true }),
    ],
    errors: [
      {
        title: 'a head stored the other way round',
        run: () => linearCrossEntropy(ones([2, 3]), ones([3, 5]), zeros([2], 'int32')),
        code: 'ERR_SHAPE',
        message: 'linearCrossEntropy: head has the wrong shape; got [3,5], wanted [3,3]',
      },
    ],
  },
  {
    name: 'sampleTokens',
    cases: [
      // cumulative: 0.644, 0.881, 0.968, 1 and 0.032, 0.119, 0.356, 1
      sampleCase('a small number', {}, 0.02, [0, 0], [0.643914, 0.032059]),
      sampleCase('a middle number', {}, 0.7, [1, 3], [0.236883, 0.643914]),
      sampleCase('a number next to 1', {}, 0.999999, [3, 3], [0.032059, 0.643914]),
      sampleCase('topK beyond the vocabulary', { topK: 1000 }, 0.7, [1, 3], [0.236883, 0.643914]),
      sampleCase('topK 2', { topK: 2 }, 0.9, [1, 3], [0.268941, 0.731059]),
      // at temperature 2 the probabilities are 0.455, 0.276, 0.167, 0.102: three reach 0.75
      sampleCase('temperature before topP', { temperature: 2, topP: 0.75 }, 0.999, [2, 3], [0.186324, 0.50648]),
      // at temperature 1 two reach 0.75
      sampleCase('topP 0.75', { topP: 0.75 }, 0.999, [1, 3], [0.268941, 0.731059]),
      // the likeliest has 0.644: those of at least 0.3 of it are two, of 0.1 three; 1 leaves the likeliest alone
      sampleCase('minP 0.3', { minP: 0.3 }, 0.999, [1, 3], [0.268941, 0.731059]),
      sampleCase('minP 0.1', { minP: 0.1 }, 0.999, [2, 3], [0.090031, 0.665241]),
      sampleCase('minP 1', { minP: 1 }, 0.999, [0, 3], [1, 1]),
      // at temperature 2 the third is e^-1 = 0.368 as probable as the first
      sampleCase('temperature before minP', { temperature: 2, minP: 0.36 }, 0.999, [2, 3], [0.186324, 0.50648]),
      sampleCase('temperature 0', { temperature: 0 }, 0.9, [0, 3], [1, 1]),
      sampleCase('temperature 1e-4', { temperature: 1e-4 }, 0.9, [0, 3], [1, 1]),
      sampleCase('topP 1e-6', { topP: 1e-6 }, 0.9, [0, 3], [1, 1]),
      nucleusCase(777, 0.6, 0.4),
      nucleusCase(1000, 0.95, 0.83),
    ],
    errors: [
      {
        title: 'no vocabulary',
        run: () => sampleTokens(ones([1, 0]), ones([1])),
        code: 'ERR_SHAPE',
        message: 'sampleTokens: there is no token to draw; got [1,0], wanted [B,V] with V ≥ 1',
      },
      {
        title: 'a topP of 0',
        run: () => sampleTokens(ones([1, 3]), ones([1]), { topP: 0 }),
        code: 'ERR_CONFIG',
        message: 'sampleTokens: topP is out of range; got 0, wanted a number in (0, 1]',
      },
      {
        title: 'a minP above 1',
        run: () => sampleTokens(ones([1, 3]), ones([1]), { minP: 1.5 }),
        code: 'ERR_CONFIG',
        message: 'sampleTokens: minP is out of range; got 1.5, wanted a number in [0, 1]',
      },
    ],
  },
];
