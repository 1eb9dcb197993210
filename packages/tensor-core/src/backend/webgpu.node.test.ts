// What webgpu in Node answers where a package, a binary or an adapter is missing: simulated, as most machines lack them.
import { choose, report } from './choose.ts';
import { installCommand } from './find-package.node.ts';
import { backendReport, useBackend } from './use-backend.node.ts';
import { type WebGpuPackages, webgpuFrom } from './webgpu.node.ts';

const both = '@tensorflow/tfjs-backend-webgpu';
const kernels = () => async () => undefined;
const packages = (adapter: unknown): WebGpuPackages => ({
  bindings: async () => ({ create: () => ({ requestAdapter: async () => adapter as never }), globals: {} }),
  kernels,
});
const failing = (error: Error): WebGpuPackages => ({ bindings: () => Promise.reject(error), kernels });

const missing = [
  [
    'the kernels',
    { bindings: async () => undefined, kernels: () => undefined },
    `${both} is not installed. ${installCommand('webgpu', both)}.`,
  ],
  [
    'the bindings',
    { bindings: async () => undefined, kernels },
    `webgpu is not installed. ${installCommand('webgpu', both)}.`,
  ],
  [
    'a binary for the platform',
    failing(Object.assign(new Error("Cannot find module 'dawn.node'"), { code: 'MODULE_NOT_FOUND' })),
    `webgpu has no binary for ${process.platform}-${process.arch}. use 'auto'.`,
  ],
  [
    'a system library',
    failing(new Error("version `GLIBC_2.38' not found\n(required by dawn.node)")),
    "webgpu does not load (version `GLIBC_2.38' not found). update the system's libraries, or use 'auto'.",
  ],
  [
    'an adapter',
    packages(null),
    "no graphics adapter answers. install the Vulkan loader and the graphics card's driver (Debian: libvulkan1, mesa-vulkan-drivers).",
  ],
] as const;

test.each(missing)('without %s: a typed error, and a line of doctor', async (_, from, said) => {
  const candidate = webgpuFrom(from, 'linux');
  await expect(choose([candidate], 'webgpu', {})).rejects.toMatchObject({
    code: 'ERR_BACKEND',
    where: "useBackend('webgpu')",
    message: `useBackend('webgpu'): ${said}`,
  });
  const [line] = await report([candidate], {});
  expect(line).toMatchObject({ name: 'webgpu', works: false, inUse: false });
  expect(`${line?.detail}. ${line?.fix}.`).toBe(said);
});

test('in a clone pnpm installs, in the version that the workspace pins', () => {
  expect(installCommand('webgpu', both)).toMatch(
    /^npx pnpm@\d+\.\d+\.\d+ add -w webgpu @tensorflow\/tfjs-backend-webgpu$/,
  );
});

test('the advice fits the system', async () => {
  const [line] = await report([webgpuFrom(packages(null), 'win32')], {});
  expect(line?.fix).toBe("install the graphics card's driver");
});

test('doctor names the adapter, and says where it computes in software', async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  const found = async (info: object) => (await report([webgpuFrom(packages({ info }))], {}))[0];
  expect(await found({ description: 'NVIDIA L4' })).toMatchObject({ works: true, detail: 'NVIDIA L4, 1 thread' });
  expect(await found({ vendor: 'google', architecture: 'swiftshader', isFallbackAdapter: true })).toMatchObject({
    detail: 'google swiftshader (software), 1 thread',
  });
  // asking changes nothing
  expect(Object.getOwnPropertyDescriptor(globalThis, 'navigator')).toEqual(before);
});

test('kernels that register with another copy of tfjs-core are named', async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  await expect(choose([webgpuFrom(packages({}))], 'webgpu', {})).rejects.toMatchObject({
    code: 'ERR_BACKEND',
    what: `${both} has a tfjs-core of its own`,
  });
  delete (globalThis as { navigator?: object }).navigator;
  if (before !== undefined) Object.defineProperty(globalThis, 'navigator', before);
});

test('auto never takes it, and the report has its line', async () => {
  expect((await useBackend()).passedOver.map((p) => p.name)).not.toContain('webgpu');
  expect((await backendReport()).map((l) => l.name)).toContain('webgpu');
});
