// The rows of gimbal bench lm-train, without Python: our side is measured, the other side is a peer that answers at
// once. (bench-suites.test.ts runs the other suites as they are.)
import { useBackend } from '@gimbal/tensor-core';
import { matMul, tensor2d } from '@tensorflow/tfjs-core';
import type { Peer } from '../src/bench/peer.ts';
import { compare, known } from '../src/bench/row.ts';
import { Sampler } from '../src/bench/sampler.ts';
import type { BenchRow, SuiteContext } from '../src/bench/suite.ts';
import { cells, missed } from '../src/bench/table.ts';
import { suite } from '../src/benches/lm-train.ts';

const info = await useBackend('auto');

/** A peer with PyTorch's answers made up: 1 s a step, 100 MB, losses far off. */
const asked: { name: string; arguments: { [name: string]: unknown } }[] = [];
const fake = {
  contender: (name: string, args: { [name: string]: unknown }) => {
    asked.push({ name, arguments: args });
    return { seconds: async (calls: number) => calls };
  },
  ask: async (name: string, args: { [name: string]: unknown } = {}) => {
    asked.push({ name, arguments: args });
    return name === 'peak-memory' ? 100e6 : [7, 7, 7];
  },
} as unknown as Peer;

const context = (peer: Peer | undefined): SuiteContext => ({
  options: { peer: peer !== undefined, effort: 0.05, seed: 0 },
  backend: info.name,
  threads: info.threads,
  bf16: false, // its curve alone takes minutes on a slow machine
  sampler: new Sampler(0.05),
  peer: async () => peer,
  companion: async () => fake,
  wants: () => true,
  note: () => {},
});

const rowsOf = async (peer: Peer | undefined): Promise<BenchRow[]> => {
  const rows: BenchRow[] = [];
  for await (const row of suite.run(context(peer))) rows.push(row);
  return rows;
};

test('steps, memory and losses are compared, and none needs a kernel on the host', async () => {
  const [step, memory, losses, llama, ...more] = await rowsOf(fake);
  expect(more).toEqual([]);
  expect(step).toMatchObject({ name: 'step, GPT-2 block, float32', unit: 'ms', peer: 1000, goal: 1.2 });
  // ours is better where it takes less
  expect(step?.ratio).toBeCloseTo(1000 / (step?.ours ?? 0), 6);
  expect(memory).toMatchObject({ name: 'peak memory, GPT-2 block, float32', unit: 'MB', peer: 100 });
  expect(memory?.ours).toBeGreaterThan(20); // Node alone takes more
  // an untrained model of 1,024 tokens: ln 1024 = 6.93; the peer's 7 is further off than what is allowed
  expect(losses).toMatchObject({ unit: 'nats', peer: 1e-4, goal: 1 });
  expect(losses?.ours).toBeGreaterThan(0.01);
  expect(losses?.ours).toBeLessThan(2);
  expect(missed([losses as BenchRow])).toHaveLength(1);
  expect(llama).toMatchObject({ name: 'step, Llama block, float32', goal: null });
  for (const row of [step, memory, losses, llama]) expect(row?.hostKernels).toBe(0);
  // the other side is told the same sizes, rows and weights
  const questions = asked.filter(({ name }) => name === 'losses');
  expect(questions).toHaveLength(1);
  const { ids, ...told } = { ids: [] as number[][], ...questions[0]?.arguments };
  expect(told).toMatchObject({ family: 'gpt2', width: 256, steps: 3, learningRate: 1e-3 });
  expect(ids.map((row) => row.length)).toEqual(Array(16).fill(129));
  expect(asked.filter(({ name }) => name === 'train-step').map((q) => q.arguments.precision)).toEqual(
    Array(2).fill('float32'),
  );
}, 120_000);

const onNative = info.name === 'native' ? test : test.skip;
if (info.name !== 'native') console.log(`skipped: host kernels are counted on native; this machine has ${info.name}`);

onNative('a kernel on the host is counted in the row, and keeps it from its goal', async () => {
  const x = tensor2d([[1, 2]], undefined, 'int32'); // products of whole numbers have no native kernel
  const work = (calls: number): void => {
    for (let i = 0; i < calls; i++) matMul(x, x, false, true).dispose();
  };
  const row = await compare(context(undefined), { name: 'whole', unit: 'µs', value: (s) => s * 1e6, goal: 1, work });
  expect(row.hostKernels).toBeGreaterThan(0);
  expect(cells(row)[6]).toBe(String(row.hostKernels));
  const share = known({ ...row, peer: row.ours, more: true }); // made from another row, as shares of peak are
  expect(share.hostKernels).toBe(row.hostKernels);
  expect(missed([share])).toHaveLength(1);
  x.dispose();
});
