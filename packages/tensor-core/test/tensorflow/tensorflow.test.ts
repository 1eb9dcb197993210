// The backend `node` where its library is in place: `npm run test:tensorflow` installs it and says so in
// GIMBAL_TEST_BACKEND. tfjs-core's suite and the comparison with `native` run in processes of their own.
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import type { BackendName } from '../../src/backend/backend-info.ts';
import { findInstall } from '../../src/backend/tensorflow/install.node.ts';
import type { TensorFlowBackend } from '../../src/backend/tensorflow/tensorflow-backend.ts';
import {
  adamWTree,
  backendReport,
  dense,
  globalNorm,
  mapTree,
  polyakTree,
  rng,
  useBackend,
  valueAndGrad,
  variables,
} from '../../src/index.ts';
import { type Answer, child, simulatedGpu } from './child.ts';

const { GIMBAL_TEST_BACKEND: name, GIMBAL_TEST_NODE: otherNode } = process.env;
const wanted = name === 'node' || name === 'node-gpu';
if (!wanted) process.stdout.write('skipped: TensorFlow has tests of its own (npm run test:tensorflow)\n');
const onTensorFlow = wanted ? describe : describe.skip;

interface Suite {
  passed: number;
  failed: number;
  skipped: number;
  excluded: { name: string }[];
  failures: unknown[];
}

/** Every spec of tfjs-core 4.22.0 but those listed in exclusions.mjs; 5 are switched off in tfjs's own source. */
function expectSuite(result: Suite, what: string): void {
  const { passed, failed, skipped, excluded } = result;
  process.stdout.write(`tfjs-core suite on ${what}: ${passed} passed, ${failed} failed, ${excluded.length} excluded\n`);
  expect(result.failures).toEqual([]);
  const onGpu = name === 'node-gpu' ? 1 : 0;
  expect({ passed, skipped, excluded: excluded.length }).toEqual({
    passed: 4219 - onGpu,
    skipped: 5,
    excluded: 6 + onGpu,
  });
}

onTensorFlow('on TensorFlow', () => {
  beforeAll(() => useBackend(name as BackendName));

  test("tfjs-core's suite passes but for listed specs", async () => {
    expectSuite(await child<Suite>('tfjs-suite.mjs'), `${name}, Node ${process.version}`);
  }, 600_000);

  test('and with values handed over as copies, as on a GPU', async () => {
    expectSuite(await child<Suite>('tfjs-suite.mjs', { GIMBAL_TENSORFLOW_COPY: '1' }), `${name}, copies`);
  }, 600_000);

  (otherNode === undefined ? test.skip : test)(
    'and on a Node without the functions that tfjs-node calls',
    async () =>
      expectSuite(await child<Suite>('tfjs-suite.mjs', {}, otherNode), `${name}, ${otherNode?.split('/').at(-5)}`),
    600_000,
  );

  test('ops agree with native on random inputs', async () => {
    const result = await child<{ cases: number; failures: string[]; skipped: unknown[] }>('properties.mjs');
    process.stdout.write(`ops compared with native: ${result.cases}, skipped ${result.skipped.length}\n`);
    expect(result.failures).toEqual([]);
    expect(result.cases).toBeGreaterThan(150);
  }, 600_000);

  test('the report says what it computes with', async () => {
    const line = (await backendReport()).find((b) => b.name === name);
    expect(line).toMatchObject({ works: true, inUse: true, detail: expect.stringMatching(/^TensorFlow 2\.\d+/) });
  });

  test('small tensors that come again are handed over once, and their memory is their own', () => {
    const { binding } = tf.findBackend('tensorflow') as TensorFlowBackend;
    const held = (): number => (binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
    const twice = (values: Float32Array): number[] =>
      tf.tidy(() => Array.from(tf.add(tf.tensor1d(values), tf.tensor1d(values)).dataSync()));
    // the library computes on an array's own memory where that is aligned to 64 bytes: one of these is
    for (const offset of [0, 16, 32, 48]) {
      const x = 0.625 + offset;
      const values = new Float32Array(new ArrayBuffer(128), offset, 2);
      values.set([x, -0]);
      for (let i = 0; i < 3; i++) expect(twice(values)).toEqual([2 * x, -0]);
      const before = held();
      for (let i = 0; i < 3; i++) expect(twice(values)).toEqual([2 * x, -0]);
      expect(held()).toBe(before);
      values[0] = 3;
      expect(twice(values)).toEqual([6, -0]);
      expect(twice(new Float32Array([x, -0]))).toEqual([2 * x, -0]);
      expect(twice(new Float32Array([x, 0]))).toEqual([2 * x, 0]);
    }
  });

  test('a tree of many leaves is updated in few operations, to the numbers of each alone', () => {
    const shapes = [[3, 4], [4], [5, 4], [4], [7], [], [2, 3, 4], [1, 3, 4]];
    const run = (together: boolean): number[][] =>
      tf.tidy(() => {
        const of = (k: number): tf.Variable[] =>
          shapes.map((shape, i) => tf.variable(tf.abs(rng(10 * k + i).normalTensor(shape)) as tf.Tensor, false));
        const [p, g, m, v] = [of(1), of(2), of(3), of(4)] as [
          tf.Variable[],
          tf.Variable[],
          tf.Variable[],
          tf.Variable[],
        ];
        const entries = shapes.map((_, i) => ({
          parameter: p[i] as tf.Variable,
          gradient: g[i] as tf.Tensor,
          m: m[i] as tf.Variable,
          v: v[i] as tf.Variable,
          weightDecay: i % 2 === 0 ? 0.1 : 0,
        }));
        for (const part of together ? [entries] : entries.map((entry) => [entry]))
          adamWTree(part, { learningRate: 0.1, step: tf.variable(tf.scalar(3), false) });
        polyakTree(m, v, 0.25);
        const out = [...p, ...m, ...v].map((t) => Array.from(t.dataSync()));
        out.push([Math.fround(globalNorm(p).dataSync()[0] as number)]);
        tf.dispose([p, g, m, v]);
        return out;
      });
    expect(run(true)).toEqual(run(false));
  });

  test('small leaves of one shape take as many operations as two of them', () => {
    const backend = tf.findBackend('tensorflow') as TensorFlowBackend;
    const stock = { one: backend.executeSingleOutput, more: backend.executeMultipleOutputs };
    let calls = 0;
    backend.executeSingleOutput = (...given) => {
      calls++;
      return stock.one.apply(backend, given);
    };
    backend.executeMultipleOutputs = (...given) => {
      calls++;
      return stock.more.apply(backend, given);
    };
    const operationsOf = (count: number, size: number): number =>
      tf.tidy(() => {
        const leaves = (): tf.Variable[] =>
          Array.from({ length: count }, () => tf.variable(tf.ones([size]) as tf.Tensor, false));
        const [p, g, m, v] = [leaves(), leaves(), leaves(), leaves()];
        const entries = p.map((parameter, i) => ({
          parameter,
          gradient: g[i] as tf.Tensor,
          m: m[i] as tf.Variable,
          v: v[i] as tf.Variable,
        }));
        const step = tf.variable(tf.scalar(0), false);
        calls = 0;
        adamWTree(entries, { learningRate: 0.1, step });
        polyakTree(m, v, 0.25);
        globalNorm(p);
        tf.dispose([p, g, m, v, step]);
        return calls;
      });
    try {
      expect(operationsOf(12, 8)).toBe(operationsOf(2, 8));
      // the copies of large ones would take longer than their operations
      const large = (name === 'node-gpu' ? 2 ** 22 : 2 ** 16) + 1;
      expect(operationsOf(3, large)).toBeGreaterThan(operationsOf(2, large));
    } finally {
      Object.assign(backend, { executeSingleOutput: stock.one, executeMultipleOutputs: stock.more });
    }
  });

  test('reading does not wait for a tensor to stay', async () => {
    const x = tf.add(tf.tensor([1.5, -2, 3]), 1);
    const [whole, truth] = [tf.add(tf.tensor([1, 2], [2], 'int32'), tf.scalar(1, 'int32')), tf.greater(x, 0)];
    const words = tf.tensor(['a', 'bc']);
    const reading = Promise.all([x.data(), whole.data(), truth.data(), words.data()]);
    tf.dispose([x, whole, truth]);
    expect((await reading).map((values) => Array.from(values as ArrayLike<unknown>))).toEqual([
      [2.5, -1, 4],
      [2, 3],
      [1, 0, 1],
      ['a', 'bc'],
    ]);
    words.dispose();
  });

  test('a thousand steps of training leave nothing behind', async () => {
    const model = dense({ inputs: 8, outputs: 4 });
    const initial = model.init(rng(1));
    const params = variables(initial);
    const [m, v] = [0, 1].map(() => variables(mapTree(initial, (t) => tf.zerosLike(t as tf.Tensor)))) as [
      typeof params,
      typeof params,
    ];
    const step = tf.variable(tf.scalar(0), false);
    const x = rng(2).normalTensor([16, 8]);
    const loss = valueAndGrad((p: typeof params) => tf.mean(tf.square(model.apply(p, x))) as tf.Scalar);
    const { binding } = tf.findBackend('tensorflow') as TensorFlowBackend;
    const handles = binding as unknown as { getNumOfTensors(): number };
    const update = (): number =>
      tf.tidy(() => {
        const { value, grads } = loss(params);
        const entries = Object.keys(params).map((key) => ({
          parameter: params[key] as tf.Variable,
          gradient: (grads as typeof params)[key] as tf.Tensor,
          m: m[key] as tf.Variable,
          v: v[key] as tf.Variable,
        }));
        adamWTree(entries, { learningRate: 1e-3, step });
        return value.dataSync()[0] as number;
      });
    // until the correction of Adam's first moment is 1 in float32, and then kept as what comes again
    for (let i = 0; i < 250; i++) update();
    const [tensors, held] = [tf.memory().numTensors, handles.getNumOfTensors()];
    const first = update();
    let last = first;
    for (let i = 0; i < 1000; i++) last = update();
    expect(last).toBeLessThan(first);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(handles.getNumOfTensors()).toBe(held);
  }, 60_000);

  // a machine without a GPU, whose library says that it has one or none
  (name === 'node' ? describe : describe.skip)('where a GPU', () => {
    const ask = (answers: 'answers' | 'none', ...names: string[]): Promise<Answer> => {
      const env = { ...simulatedGpu(answers), GIMBAL_TENSORFLOW: findInstall(['cpu', 'cuda'])?.folder };
      return child<Answer>('automatic.mjs', env, process.execPath, names);
    };

    test('answers, auto takes node-gpu first', async () => {
      const { chosen, warnings, product, report } = await ask('answers', 'auto');
      expect(chosen[0]).toMatchObject({
        name: 'node-gpu',
        isa: expect.stringMatching(/^TensorFlow 2\..* on the GPU$/),
      });
      expect(chosen[0]?.passedOver).toEqual([]);
      expect(product).toEqual([8, 11, 16, 23]);
      expect(warnings).toEqual([]);
      expect(report.find((b) => b.inUse)?.name).toBe('node-gpu');
      expect(report.find((b) => b.name === 'node')).toMatchObject({
        works: true,
        inUse: false,
        detail: expect.stringContaining('the library of node-gpu'),
      });
    }, 60_000);

    test('does not answer, auto goes on to native without a word', async () => {
      const { chosen, warnings, product, report } = await ask('none', 'auto');
      expect(chosen[0]?.name).toBe('native');
      expect(chosen[0]?.passedOver[0]).toMatchObject({
        name: 'node-gpu',
        reason: expect.stringContaining('TensorFlow finds no GPU'),
      });
      expect(product).toEqual([8, 11, 16, 23]);
      expect(warnings).toEqual([]);
      // the reason that was found stays
      expect(report.find((b) => b.name === 'node-gpu')).toMatchObject({
        works: false,
        inUse: false,
        detail: chosen[0]?.passedOver[0]?.reason,
      });
    }, 60_000);

    test('does not answer, node-gpu warns once with the reason and goes on with native', async () => {
      const { chosen, warnings } = await ask('none', 'node-gpu', 'node-gpu');
      expect(chosen.map((one) => one.name)).toEqual(['native', 'native']);
      expect(warnings).toEqual([
        expect.stringMatching(/^useBackend\('node-gpu'\): TensorFlow finds no GPU \(.+\); going on with native$/),
      ]);
    }, 60_000);
  });

  test('its library logs what TF_CPP_MIN_LOG_LEVEL lets through, and nothing unasked', async () => {
    const said = (env: NodeJS.ProcessEnv): Promise<string> =>
      new Promise((resolve, reject) => {
        const file = fileURLToPath(new URL('automatic.mjs', import.meta.url));
        const { TF_CPP_MIN_LOG_LEVEL: _, ...rest } = process.env;
        const options = { env: { ...rest, ...env } };
        execFile(process.execPath, [file, name as string], options, (error, _stdout, stderr) =>
          error === null ? resolve(stderr) : reject(error),
        );
      });
    expect(await said({})).toBe('');
    expect(await said({ TF_CPP_MIN_LOG_LEVEL: '0' })).toMatch(/ I tensorflow\//);
  }, 60_000);

  describe('a broken install', () => {
    let home: string;
    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), 'gimbal-broken-'));
    });
    afterEach(() => rmSync(home, { recursive: true, force: true }));

    /** A copy of the install without its library, in a cache of its own. */
    function copyWithoutLibrary(): string {
      const install = findInstall(['cpu', 'cuda']);
      const folder = join(home, 'gimbal', 'tensorflow-2.20.0-cpu');
      mkdirSync(folder, { recursive: true });
      copyFileSync(join(install?.folder ?? '', 'tfjs_binding.node'), join(folder, 'tfjs_binding.node'));
      cpSync(join(install?.folder ?? '', 'node_modules'), join(folder, 'node_modules'), { recursive: true });
      writeFileSync(join(folder, 'install.json'), JSON.stringify({ ...install, build: 'cpu' }));
      return folder;
    }
    const asked = (): Promise<{ message: string; looked: { reason: string; fix: string } }> =>
      child('broken.mjs', { XDG_CACHE_HOME: home, GIMBAL_TENSORFLOW: '' });

    test('whose library was removed says so and what to do', async () => {
      copyWithoutLibrary();
      const { message, looked } = await asked();
      expect(message).toBe('the library folder was removed');
      expect(looked).toEqual({ reason: message, fix: 'gimbal doctor --install node' });
    });

    test('whose kernels were removed says so too', async () => {
      rmSync(join(copyWithoutLibrary(), 'node_modules'), { recursive: true });
      expect((await asked()).message).toBe('the library folder was removed');
    });

    test("whose binding wants a newer C++ library than this machine's says so", async () => {
      const binding = join(copyWithoutLibrary(), 'tfjs_binding.node');
      const linked = join(binding, '..', 'tensorflow');
      symlinkSync(join(findInstall(['cpu', 'cuda'])?.folder ?? '', 'tensorflow'), linked);
      const bytes = readFileSync(binding);
      const at = bytes.indexOf('GLIBCXX_3.4');
      expect(at).toBeGreaterThan(0);
      bytes.write('GLIBCXX_9', at);
      writeFileSync(binding, bytes);
      const { message, looked } = await asked();
      expect(message).toMatch(/^its binding was compiled against a newer system library \(GLIBCXX_9\.4.* not found\)$/);
      expect(looked.fix).toMatch(/compile it again with this machine's g\+\+: gimbal doctor --install node/);
    });

    test('whose library is damaged quotes the linker', async () => {
      const folder = copyWithoutLibrary();
      mkdirSync(join(folder, 'tensorflow'));
      for (const file of ['cc', 'framework'])
        writeFileSync(join(folder, 'tensorflow', `libtensorflow_${file}.so.2`), 'x');
      expect((await asked()).message).toMatch(/^TensorFlow does not load \(.*file too short\)$/);
    });
  });
});
