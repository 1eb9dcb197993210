import { tokenDivergence } from '@gimbal/gkd';
import { useBackend } from '@gimbal/tensor-core';
import { log, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';

await useBackend('auto');

// what a teacher and a student say of the next token, as logits [rows, vocabulary]
const teacher = log(tensor2d([[0.5, 0.3, 0.2]])) as Tensor2D;
const student = log(tensor2d([[0.2, 0.2, 0.6]])) as Tensor2D;

for (const beta of [0, 0.1, 0.5, 0.9, 1]) {
  const [d = 0] = tokenDivergence(student, teacher, { kind: 'jsd', beta }).dataSync();
  console.log(`${`JSD(${beta})`.padEnd(10)}${d.toFixed(5)}`);
}
