// Work so small that the time is the library's own: one op on 16 numbers, and an actor's action for one observation.
// Beside PyTorch: TensorFlow.js as it comes, on its cpu and wasm backends, in a process of its own.
import { mlp, rng } from '@gimbal/tensor-core';
import { add, type Tensor, tensor2d, tidy, zeros } from '@tensorflow/tfjs-core';
import { type Comparison, compare } from '../bench/row.ts';
import { defineSuite } from '../bench/suite.ts';

const size = 16;
const actor = { observation: 17, hidden: 64, action: 6 };

export const suite = defineSuite({
  name: 'small-ops',
  summary: 'single small ops and one actor step',
  async *run(context) {
    const peer = await context.peer('small_ops.py');
    const stock = await context.companion('stock-tfjs.mjs');
    const works = [
      { name: `add, ${size} numbers`, case: 'add', arguments: { size }, work: addition(context.options.seed) },
      {
        name: `actor step, ${actor.hidden} units, one observation`,
        case: 'actor-step',
        arguments: actor,
        work: actorStep(context.options.seed),
      },
    ];
    const micro: Pick<Comparison, 'unit' | 'value' | 'sampling'> = {
      unit: 'µs',
      value: (seconds) => seconds * 1e6,
      sampling: { rounds: 15, roundSeconds: 0.1, budgetSeconds: 10 },
    };
    for (const { name, work, ...workload } of works) {
      yield await compare(context, { ...micro, name, goal: 1, work, against: { peer, ...workload } });
      for (const backend of ['cpu', 'wasm']) {
        const against = { peer: stock, case: workload.case, arguments: { ...workload.arguments, backend } };
        yield await compare(context, { ...micro, name: `${name}, against stock tfjs ${backend}`, work, against });
      }
    }
  },
});

function addition(seed: number): Comparison['work'] {
  const stream = rng(seed);
  const a = stream.normalTensor([size]);
  const b = stream.normalTensor([size]);
  return (calls) => {
    for (let i = 0; i < calls; i++) add(a, b).dispose();
  };
}

/** Array in, array out, as an environment needs it. */
function actorStep(seed: number): Comparison['work'] {
  const stream = rng(seed).split('actor');
  const { observation, hidden, action } = actor;
  const widths = [observation, hidden, hidden, action];
  const layers = widths.slice(1).map((outputs, i) => ({
    weight: stream.normalTensor([widths[i] as number, outputs], 0, 0.1),
    bias: zeros([outputs]) as Tensor,
  }));
  const seen = Float32Array.from({ length: observation }, () => stream.normal());
  return (calls) => {
    for (let i = 0; i < calls; i++) {
      const act = tidy(() =>
        mlp(tensor2d(seen, [1, observation]), layers, { activation: 'tanh', outputActivation: 'tanh' }),
      );
      act.dataSync();
      act.dispose();
    }
  };
}
