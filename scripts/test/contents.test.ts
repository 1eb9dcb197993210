import { faultsOfContents } from '../packed/contents.mjs';

const manifest = {
  description: 'A package.',
  license: 'Apache-2.0',
  type: 'module',
  engines: { node: '>=20' },
  sideEffects: false,
  exports: {
    '.': {
      import: { types: './dist/index.d.ts', default: './dist/index.js' },
      require: { default: './dist/index.cjs' },
    },
    './package.json': './package.json',
  },
};
const files = [
  'LICENSE',
  'README.md',
  'package.json',
  'dist/index.js',
  'dist/index.cjs',
  'dist/index.d.ts',
  'src/index.ts',
];
const faults = (more: { manifest?: object; files?: string[] }): string[] =>
  faultsOfContents({ name: 'p', short: 'p', folder: '', tarball: '', files, manifest, ...more });

test('a right tarball has no fault', () => {
  expect(faults({})).toEqual([]);
});

test.each([
  'src/a.test.ts',
  'src/a.test-d.ts',
  'test/b.ts',
  'cc/gemm.cc',
  'prebuilds/linux-x64/a.node',
  'tsup.config.ts',
])('%s does not belong in it', (file) => {
  expect(faults({ files: [...files, file] })).toHaveLength(1);
});

test('a file that an export names must be in it, and so must the licence', () => {
  expect(faults({ files: files.filter((f) => f !== 'dist/index.cjs' && f !== 'LICENSE') })).toEqual([
    'p lacks LICENSE',
    'p lacks dist/index.cjs',
  ]);
});

test('an install script is refused', () => {
  expect(faults({ manifest: { ...manifest, scripts: { postinstall: 'node x' } } })).toEqual([
    'p has an install script: postinstall',
  ]);
});
