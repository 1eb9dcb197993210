import { rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { DrawsAhead } from './draws.ts';

beforeAll(() => useBackend('cpu'));

test.each(['uniform', 'normal'] as const)(
  '%s numbers drawn ahead are the stream’s, each once, then the stream goes on',
  (kind) => {
    const stream = rng(3);
    const tensors = memory().numTensors;
    const oneByOne = rng(3);
    const wanted = Array.from({ length: 5 }, () => oneByOne[kind]());
    const draws = new DrawsAhead(kind);
    draws.fill(stream, 5);
    const after = stream.state();
    const drawn = Array.from({ length: 5 }, () => draws[kind]());
    expect(drawn).toEqual(wanted);
    expect(new Set(drawn).size).toBe(5);
    // nothing of the stream was used by taking them
    expect(stream.state()).toEqual(after);
    const sixth = draws[kind]();
    expect(drawn).not.toContain(sixth);
    expect(stream.state()).not.toEqual(after);
    // what is left over from before is dropped
    draws.fill(stream, 2);
    expect(drawn).not.toContain(draws[kind]());
    expect(memory().numTensors).toBe(tensors);
  },
);
