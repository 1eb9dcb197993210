// Weight averaging in one line: models fine-tuned from one trained start on noisy data, each with its own draws, averaged.
// The average is usually better than any of them, at the cost of one. (From an untrained start it would be worse: such
// models end in different valleys.)
import {
  averageTrees,
  createOptimizer,
  disposeTree,
  mlpModule,
  type Params,
  rng,
  useBackend,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import { losses, type Scalar, tensor2d, tidy } from '@tensorflow/tfjs-core';

await useBackend();
const seed = rng(3);
const model = mlpModule({ sizes: [1, 64, 64, 1], activation: 'tanh' });

/** y = sin 4x, with noise for training. */
function points(n: number, noise: number, stream = seed.split(`points ${n}`)) {
  const x = Array.from({ length: n }, () => 2 * stream.uniform() - 1);
  return {
    x: tensor2d(x, [n, 1]),
    y: tensor2d(
      x.map((v) => Math.sin(4 * v) + noise * stream.normal()),
      [n, 1],
    ),
  };
}

const lossOn = (params: Params, { x, y }: ReturnType<typeof points>): Scalar =>
  losses.meanSquaredError(y, model.apply(params, x));

function train(from: Params, run: string, steps: number, learningRate: number): Params {
  const params = variables(from);
  const optimizer = createOptimizer({ name: 'adamw', weightDecay: 0 });
  const state = optimizer.init(params);
  const stream = seed.split(run);
  for (let i = 0; i < steps; i += 1) {
    tidy(() => {
      const batch = points(16, 0.3, stream);
      const { grads } = valueAndGrad((p: Params) => lossOn(p, batch))(params);
      optimizer.update(params, grads, state, learningRate);
    });
  }
  disposeTree(state);
  return params;
}

const test = points(512, 0);
const score = (params: Params) => tidy(() => lossOn(params, test).dataSync()[0] as number);
const base = train(model.init(seed.split('init')), 'base', 300, 0.01);
const members = [1, 2, 3, 4].map((run) => train(base, `member ${run}`, 200, 0.005));
const average = averageTrees(members);

for (const [i, params] of members.entries()) console.log(`member ${i + 1}: ${score(params).toFixed(4)}`);
console.log(`average:  ${score(average).toFixed(4)}`);
