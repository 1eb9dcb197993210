import {
  createOptimizer,
  disposeTree,
  flatten,
  type Params,
  rng,
  useBackend,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import { memory, type Scalar, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { referenceEncode, referenceLogits, referenceLoss, weightsOf } from '../../test/reference.ts';
import { spaceKinds } from '../space/control-space.ts';
import type { Vec2TextConfig } from './config.ts';
import { vec2text } from './vec2text.ts';

const small = {
  vocabSize: 11,
  width: 8,
  ffn: 12,
  heads: 2,
  encoderLayers: 2,
  decoderLayers: 2,
  controlDim: 3,
  memorySlots: 2,
  maxLength: 6,
} as const;
const texts = [
  [4, 5, 6, 7, 2],
  [8, 2],
  [10, 9, 4, 2],
];
const padded = (rows: readonly number[][], width: number, left = false): Tensor2D =>
  tensor2d(
    rows.map((row) => {
      const pad = new Array<number>(width - row.length).fill(0);
      return left ? [...pad, ...row] : [...row, ...pad];
    }),
    [rows.length, width],
    'int32',
  );
const reasonOf = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error);
  }
  return 'nothing thrown';
};

beforeAll(() => useBackend('auto'));

test('the toy model has the parameters that its sizes say', () => {
  // embedding and output 2·132·64 + 132; positions 18·64; attention 4·64² and 2·4·64²; MLPs 2·(2·64·128 + 192);
  // seven norms of 128; bottleneck 64·32 + 32; memory 32·256 + 256
  const params = vec2text({ vocabSize: 132 }).init(rng(0));
  const count = flatten(params).reduce((n, [, t]) => n + t.size, 0);
  expect(count).toBe(2 * 132 * 64 + 132 + 18 * 64 + 12 * 64 ** 2 + 2 * (2 * 64 * 128 + 192) + 7 * 128 + 2080 + 8448);
  disposeTree(params);
});

describe.each(spaceKinds)('in the space %s', (space) => {
  const module = vec2text({ ...small, space });
  const c = module.config;
  let params: Params;
  let w: ReturnType<typeof weightsOf>;
  beforeAll(() => {
    params = module.init(rng(1));
    w = weightsOf(params);
  });
  afterAll(() => disposeTree(params));

  test('codes and logits are those of plain loops in double precision, whatever side the padding is on', async () => {
    const wanted = texts.map((ids) => referenceEncode(w, c, ids));
    for (const left of [false, true]) {
      const z = module.encode(params, padded(texts, 6, left));
      expect(Array.from(await z.data())).toEqual(wanted.flat().map((v) => expect.closeTo(v, 5)));
      z.dispose();
    }
    const shifted = padded(
      texts.map((ids) => [1, ...ids.slice(0, -1)]),
      5,
    );
    const logits = module.logits(params, tensor2d(wanted), shifted).arraySync() as number[][][];
    texts.forEach((ids, b) => {
      referenceLogits(w, c, wanted[b] as number[], ids).forEach((row, t) => {
        expect(logits[b]?.[t]).toEqual(row.map((v) => expect.closeTo(v, v < -1e8 ? -3 : 4)));
      });
    });
  });

  test('the loss and its gradient are those of double precision: the mean over tokens, central differences', () => {
    const inputs = [
      [5, 2],
      [8, 9, 2],
      [4, 10, 2],
    ];
    const tokens = texts.flat().length;
    const lossOf = (weights: typeof w): number =>
      texts.reduce((total, target, b) => total + referenceLoss(weights, c, inputs[b] as number[], target), 0) / tokens;
    const { value, grads } = valueAndGrad((p: Params) =>
      module.loss(p, { input: padded(inputs, 4), target: padded(texts, 6) }, rng(0)),
    )(params);
    expect(value.dataSync()[0]).toBeCloseTo(lossOf(w), 5);
    const gradients = weightsOf(grads as Params);
    for (const [path, { values }] of w) {
      // the two largest entries of each tensor's gradient, and the first
      const g = (gradients.get(path) as { values: Float64Array }).values;
      const order = Array.from(g.keys()).sort((a, b) => Math.abs(g[b] as number) - Math.abs(g[a] as number));
      for (const i of new Set([order[0] as number, order[1] ?? 0, 0])) {
        const at = values[i] as number;
        const move = (by: number): number => {
          values[i] = at + by;
          const loss = lossOf(w);
          values[i] = at;
          return loss;
        };
        const slope = (move(1e-5) - move(-1e-5)) / 2e-5;
        expect([path, g[i]]).toEqual([path, expect.closeTo(slope, 4)]);
      }
    }
    value.dispose();
    disposeTree(grads as Params);
  });
});

describe('the model', () => {
  const module = vec2text(small);
  let params: Params;
  beforeAll(() => {
    params = module.init(rng(1));
  });
  afterAll(() => disposeTree(params));

  test('a text has the same code alone and beside a longer one', async () => {
    const alone = await module.encode(params, padded([texts[1] as number[]], 2)).data();
    const beside = await module.encode(params, padded(texts, 6)).data();
    const right = beside.slice(3, 6);
    expect(Array.from(alone)).toEqual(Array.from(right, (v) => expect.closeTo(v, 6)));
  });

  test('“Hello” has the same code to 1e-6 alone and beside a sentence of 60 tokens, padded on the right and on the left', async () => {
    const long = vec2text({ ...small, maxLength: 64 });
    const own = long.init(rng(2));
    const hello = [5, 2];
    const sentence = [...Array.from({ length: 59 }, (_, i) => 4 + (i % 7)), 2];
    const alone = await long.encode(own, padded([hello], 2)).data();
    for (const left of [false, true]) {
      const beside = await long.encode(own, padded([sentence, hello], 60, left)).data();
      alone.forEach((v, j) => {
        expect(Math.abs(v - (beside[3 + j] as number))).toBeLessThan(1e-6);
      });
    }
    disposeTree(own);
  });

  test('the decoder knows of the text by its code alone: equal codes of different texts give equal logits to the bit', async () => {
    const codes = await module.encode(params, padded(texts, 6)).array();
    const shifted = padded([[1, 4, 5]], 3);
    const first = await module.logits(params, tensor2d([codes[0] as number[]]), shifted).data();
    await module.encode(params, padded([[5, 5, 5, 5, 5, 2]], 6)).data();
    const again = await module.logits(params, tensor2d([[...(codes[0] as number[])]]), shifted).data();
    expect(again).toEqual(first);
    // in a batch, to rounding
    const batch = await module
      .logits(
        params,
        tensor2d(codes),
        padded(
          [
            [1, 4, 5],
            [1, 6, 7],
            [1, 4, 4],
          ],
          3,
        ),
      )
      .data();
    const far = first.findIndex((v, i) => Math.abs(v - (batch[i] as number)) > 1e-5);
    expect(far).toBe(-1);
  });

  test('PAD, BOS and MASK have no probability', async () => {
    const logits = await module.logits(params, tensor2d([[0, 0, 0]]), padded([[1]], 1)).data();
    expect([0, 1, 3].map((id) => logits[id] as number).every((v) => v < -9e8)).toBe(true);
    expect(logits[2]).toBeGreaterThan(-100);
  });

  test('noise on codes changes the loss, by its own stream, and leaves it alone at 0', async () => {
    const x = { input: padded(texts, 6), target: padded(texts, 6) };
    const at = (zNoise: number, seed: number): number =>
      module.loss(params, { ...x, zNoise }, rng(seed)).dataSync()[0] as number;
    expect(at(0, 1)).toBe(at(0, 2));
    expect(at(0.5, 1)).toBe(at(0.5, 1));
    expect(at(0.5, 1)).not.toBe(at(0.5, 2));
  });

  test('memory is flat over training steps, and a few of them lower the loss', () => {
    const trained = variables(params);
    const optimizer = createOptimizer({ name: 'adamw' });
    const state = optimizer.init(trained);
    const [input, target] = [padded(texts, 6), padded(texts, 6)];
    const step = (): number => {
      const { value, grads } = valueAndGrad((p: Params) => module.loss(p, { input, target }, rng(0)))(trained);
      optimizer.update(trained, grads as Params, state, 1e-2);
      const loss = value.dataSync()[0] as number;
      value.dispose();
      disposeTree(grads as Params);
      return loss;
    };
    const first = step();
    const { numTensors, numBytes } = memory();
    let last = first;
    for (let i = 0; i < 200; i++) last = step();
    expect(memory()).toMatchObject({ numTensors, numBytes });
    expect(first).toBeGreaterThan(1.5);
    expect(last).toBeLessThan(0.05);
    disposeTree(trained);
    disposeTree(state as Params);
  });
});

test('the variational loss adds β KL, ½ Σ (u² + e^s − 1 − s) a row, over the tokens', () => {
  const module = vec2text({ ...small, space: 'free', variational: true });
  const params = module.init(rng(1));
  const x = { input: padded(texts, 6), target: padded(texts, 6) };
  const value = (loss: Scalar): number => loss.dataSync()[0] as number;
  const difference = value(module.loss(params, { ...x, klCoef: 2 }, rng(5))) - value(module.loss(params, x, rng(5)));
  const c: Vec2TextConfig = { ...module.config };
  const w = weightsOf(params);
  const bottleneck = texts.map((ids) => referenceEncode(w, c, ids));
  // the deviation's head is the bottleneck's formula with its own weights
  for (const part of ['weight', 'bias']) w.set(`bottleneck.${part}`, w.get(`deviation.${part}`) as never);
  const s = texts.map((ids) => referenceEncode(w, c, ids));
  const kl = bottleneck.flat().reduce((sum, u, i) => {
    const v = s.flat()[i] as number;
    return sum + 0.5 * (u * u + Math.exp(v) - 1 - v);
  }, 0);
  expect(difference).toBeCloseTo((2 * kl) / texts.flat().length, 4);
  // codes for use are the means, without noise
  const [a, b] = [0, 1].map(() => tidy(() => module.encode(params, padded(texts, 6)).dataSync()));
  expect(a).toEqual(b);
});

test('bad sizes are refused by name', () => {
  const make = (o: object): string => reasonOf(() => vec2text({ ...small, ...o }));
  for (const o of [
    { heads: 3 },
    { controlDim: 0 },
    { memorySlots: 0 },
    { encoderLayers: 0 },
    { decoderLayers: 1.5 },
    { maxLength: 1 },
    { padId: 11 },
    { bosId: 0 },
    { maskId: -1 },
    { variational: true },
  ])
    expect([o, make(o)]).toEqual([o, 'CONFIG']);
  expect(() => vec2text({ ...small, heads: 3 })).toThrow(
    'vec2text.width: out of range; got 8, wanted a multiple of heads, 3',
  );
  expect(() => vec2text({ ...small, contrlDim: 3 } as never)).toThrow('Did you mean controlDim?');
  const module = vec2text(small);
  const params = module.init(rng(0));
  expect(() => module.logits(params, tensor2d([[0, 0, 0, 0]]), padded([[1]], 1))).toThrow(
    'vec2text: z: codes of another form; got [1,4], wanted [1,3]',
  );
  expect(() => module.encode(params, tensor2d([[4, 2]]))).toThrow('got "float32 [1,2]"');
  expect(reasonOf(() => module.encode(params, padded([[4, 2]], 7)))).toBe('CONFIG');
  expect(() => module.encode(params, padded([[4, 2], []], 3))).toThrow('vec2text: ids: row 1 is padding alone');
  expect(reasonOf(() => module.encode(params, padded([[]], 3)))).toBe('EMPTY_TEXT');
});
