// Rotary embedding in six operations: x ⊙ C + roll(x) ⊙ S, where C is [cos, cos], S is [−sin, sin] and rolling by half a
// head exchanges its halves. C and S of plain positions are kept.
import { add, concat, cos, mul, neg, range, reshape, sin, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import type { RotaryAttributes } from '../../../ops/rotary.ts';
import type { TensorFlowBackend } from '../tensorflow-backend.ts';
import { Recent } from './recent.ts';

export function rotary(backend: TensorFlowBackend): (inputs: Inputs, a: RotaryAttributes) => Tensor[] {
  const { binding: b } = backend;
  const attributes = [
    { name: 'T', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT },
    { name: 'Tshift', type: b.TF_ATTR_TYPE, value: b.TF_INT32 },
    { name: 'Taxis', type: b.TF_ATTR_TYPE, value: b.TF_INT32 },
  ];
  const known = new Recent(16);
  return (inputs, a) => {
    const { x, positions } = inputs as { x: Tensor; positions?: Tensor };
    const [batch, time, width] = x.shape as [number, number, number];
    const headDim = width / a.heads;
    const [c, s] = (
      positions === undefined
        ? known.get(`${time} ${a.offset} ${a.inverse} ${a.frequencies}`, () =>
            tables(range(a.offset, a.offset + time, 1), time, a),
          )
        : tables(add(positions, a.offset), time, a)
    ) as [Tensor, Tensor];
    const x4 = reshape(x, [batch, time, a.heads, headDim]);
    const [shift, axis] = [headDim / 2, 3].map((n) => tensor1d([n], 'int32')) as [Tensor, Tensor];
    const rolled = backend.executeSingleOutput('Roll', attributes, [x4, shift, axis]);
    return [reshape(add(mul(x4, c), mul(rolled, s)), x.shape)];
  };
}

/** C and S [B|1, T, 1, D]. */
function tables(positions: Tensor, time: number, { frequencies, inverse }: RotaryAttributes): Tensor[] {
  const half = frequencies.length;
  const angles = mul(reshape(positions, [-1, time, 1, 1]), reshape(tensor1d([...frequencies]), [1, 1, 1, half]));
  const [c, s] = [cos(angles), sin(angles)];
  const back = neg(s);
  return [concat([c, c], 3), inverse ? concat([s, back], 3) : concat([back, s], 3)];
}
