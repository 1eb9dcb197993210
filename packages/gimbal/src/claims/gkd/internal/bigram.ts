// A teacher that looks two tokens back, a student that looks one back, and the exact probability of every state that
// either visits: what a student without the capacity learns, without sampling noise.
import { type Divergence, tokenDivergence } from '@gimbal/gkd';
import { captureStep, disposeTree, type Params, type Rng, valueAndGrad } from '@gimbal/tensor-core';
import { gather, mul, type Scalar, sum, type Tensor, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { logRows } from './enumerate.ts';

/** The teacher: log p of a row of V tokens for each pair of tokens before. In front of the first stands token 0. */
export interface OrderTwo {
  readonly V: number;
  /** tokens of a sequence; the first is uniform, and learnt by nobody */
  readonly L: number;
  /** `[V · V · V]` */
  readonly logp: Float64Array;
}

/**
 * Rows of a teacher's table: softmax of 2.5 N(0,1), mixed with 2 % of the uniform distribution.
 * @returns log p `[n · V]`
 */
export function drawRows(n: number, V: number, stream: Rng): Float64Array {
  const logp = new Float64Array(n * V);
  for (let row = 0; row < logp.length; row += V) {
    const weights = Array.from({ length: V }, () => Math.exp(2.5 * stream.normal()));
    const total = weights.reduce((a, b) => a + b, 0);
    for (const [v, w] of weights.entries()) logp[row + v] = Math.log((0.98 * w) / total + 0.02 / V);
  }
  return logp;
}

/** How often each pair is visited in a sequence, as a share of the L − 1 tokens that follow one. `next` gives P(v | pair). */
export function occupancies({ V, L }: OrderTwo, next: (row: number, last: number, v: number) => number): Float64Array {
  const visited = new Float64Array(V ** 2);
  let now = new Float64Array(V ** 2);
  now.fill(1 / V, 0, V);
  for (let n = 1; n < L; n++) {
    const then = new Float64Array(now.length);
    for (let row = 0; row < now.length; row++) {
      const [mass, last] = [now[row] as number, row % V];
      if (mass === 0) continue;
      visited[row] = (visited[row] as number) + mass / (L - 1);
      for (let v = 0; v < V; v++) then[last * V + v] = (then[last * V + v] as number) + mass * next(row, last, v);
    }
    now = then;
  }
  return visited;
}

/** What a student is like, in expectation over its own samples, per token that follows another. */
export interface Judged {
  /** the teacher's log p of the student's tokens */
  quality: number;
  /** of the student's distributions */
  entropy: number;
}

/**
 * Gradient descent on the exact expectation of D, over the student's states (`onPolicy`) or the teacher's; no gradient
 * goes through which states are visited.
 */
export function distilBigram(
  teacher: OrderTwo,
  divergence: Divergence,
  onPolicy: boolean,
  { steps, learningRate }: { steps: number; learningRate: number },
): Judged {
  const { V, logp } = teacher;
  const pairs = V ** 2;
  const zT = tensor2d(Float32Array.from(logp), [pairs, V]);
  const index = tensor1d(
    Array.from({ length: pairs }, (_, row) => row % V),
    'int32',
  );
  const lossAndGrad = valueAndGrad((p: { z: Tensor }, weights: Tensor): Scalar => {
    const d = tokenDivergence(gather(p.z as Tensor2D, index), zT, divergence);
    return sum(mul(d, weights));
  });
  using step = captureStep(({ z, weights }) => ({
    gradient: lossAndGrad({ z: z as Tensor }, weights as Tensor).grads.z as Tensor,
  }));
  const z = new Float32Array(V * V);
  let q = logRows(Float64Array.from(z), V).map(Math.exp);
  const ofStudent = (_: number, b: number, v: number): number => q[b * V + v] as number;
  const ofTeacher = occupancies(teacher, (row, _, v) => Math.exp(logp[row * V + v] as number));
  for (let i = 0; i < steps; i++) {
    const weights = Float32Array.from(onPolicy ? occupancies(teacher, ofStudent) : ofTeacher);
    // the first run takes the shapes from tensors
    const inputs = i === 0 ? { z: tensor2d(z, [V, V]), weights: tensor1d(weights) } : { z, weights };
    const gradient = step.run(inputs).gradient.dataSync<'float32'>();
    if (i === 0) disposeTree(inputs as Params);
    for (let k = 0; k < z.length; k++) z[k] = (z[k] as number) - learningRate * (gradient[k] as number);
    q = logRows(Float64Array.from(z), V).map(Math.exp);
  }
  disposeTree({ zT, index });

  const judged = { quality: 0, entropy: 0 };
  for (const [row, weight] of occupancies(teacher, ofStudent).entries()) {
    for (let v = 0; v < V; v++) {
      const p = ofStudent(row, row % V, v);
      judged.quality += weight * p * (logp[row * V + v] as number);
      judged.entropy -= p > 0 ? weight * p * Math.log(p) : 0;
    }
  }
  return judged;
}
