// tfjs-node and tfjs-node-gpu as a project has them whose install script has succeeded: the parts of our install, where that
// script puts them. The binding there lacks our functions (simulated-gpu.cjs).
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInstall } from '../../src/backend/tensorflow/install.node.ts';
import { type Answer, child, simulatedGpu } from './child.ts';

const { GIMBAL_TEST_BACKEND: name, GIMBAL_TEST_NODE: otherNode } = process.env;
const wanted = name === 'node';
if (!wanted) process.stdout.write('skipped: TensorFlow has tests of its own (npm run test:tensorflow)\n');

(wanted ? describe : describe.skip)('a tfjs-node of the user', () => {
  let home: string;
  let install: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'gimbal-own-'));
    install = findInstall(['cpu', 'cuda'])?.folder ?? '';
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  /** Puts the package into the project. */
  function put(packageName: 'tfjs-node' | 'tfjs-node-gpu'): void {
    const modules = join(home, 'node_modules');
    const folder = join(modules, '@tensorflow', packageName);
    cpSync(join(install, 'node_modules', '@tensorflow', 'tfjs-node'), folder, { recursive: true });
    cpSync(join(install, 'node_modules', 'google-protobuf'), join(modules, 'google-protobuf'), { recursive: true });
    const addon = join(folder, 'lib', 'napi-v8');
    mkdirSync(addon, { recursive: true });
    cpSync(join(install, 'tfjs_binding.node'), join(addon, 'tfjs_binding.node'));
    symlinkSync(join(install, 'tensorflow'), join(addon, 'tensorflow'));
    // the union package is never run: it would bring a tfjs-core of its own
    for (const union of ['tfjs', 'tfjs-core']) {
      const there = join(modules, '@tensorflow', union);
      mkdirSync(there);
      writeFileSync(join(there, 'package.json'), JSON.stringify({ name: `@tensorflow/${union}`, main: 'index.js' }));
      writeFileSync(join(there, 'index.js'), `throw new Error('${union} was loaded');`);
    }
  }

  /** Asks for backends in the project. */
  const ask = (says: 'answers' | 'none', names: string[], node = process.execPath): Promise<Answer> =>
    child('automatic.mjs', { ...simulatedGpu(says), XDG_CACHE_HOME: home, GIMBAL_TENSORFLOW: '' }, node, names, home);

  const expectNode = ({ chosen, product, rounded, report }: Answer): void => {
    expect(chosen[0]).toMatchObject({ name: 'node', isa: expect.stringMatching(/^TensorFlow 2\..* on the CPU$/) });
    expect(product).toEqual([8, 11, 16, 23]);
    expect(rounded).toEqual([1, -2, 3]);
    expect(report.find((b) => b.name === 'node')).toMatchObject({ works: true, inUse: true });
  };

  test('is used as it is, with the repairs', async () => {
    put('tfjs-node');
    expectNode(await ask('none', ['node']));
  }, 180_000);

  (otherNode === undefined ? test.skip : test)(
    'and on a Node without the functions that it calls',
    async () => {
      put('tfjs-node');
      expectNode(await ask('none', ['node'], otherNode));
    },
    180_000,
  );

  test('for CUDA 11, which finds no GPU, makes room for our install, which does', async () => {
    put('tfjs-node-gpu');
    const cuda = join(home, 'gimbal', 'tensorflow-2.20.0-cuda');
    mkdirSync(cuda, { recursive: true });
    for (const part of ['tfjs_binding.node', 'tensorflow', 'node_modules'])
      symlinkSync(join(install, part), join(cuda, part));
    const stamp = JSON.parse(readFileSync(join(install, 'install.json'), 'utf8'));
    writeFileSync(join(cuda, 'install.json'), JSON.stringify({ ...stamp, build: 'cuda' }));
    const { chosen, warnings, product } = await ask('answers', ['auto']);
    expect(chosen[0]).toMatchObject({ name: 'node-gpu', isa: expect.stringMatching(/ on the GPU$/), passedOver: [] });
    expect(warnings).toEqual([]);
    expect(product).toEqual([8, 11, 16, 23]);
    // looked at from another backend
    const { report } = await ask('answers', ['native']);
    expect(report.find((b) => b.name === 'node-gpu')).toMatchObject({ works: true, inUse: false });
  }, 180_000);
});
