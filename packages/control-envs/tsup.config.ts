import { preset } from '../../scripts/tsup-preset.ts';

const entry = { index: 'src/index.ts', viewer: 'src/viewer/index.ts' };

export default process.env.npm_lifecycle_event === 'build:types'
  ? [preset({ entry })]
  : [
      // the worker thread is an entry of its own, beside the index that starts it; both use the same chunks
      preset({ entry: { ...entry, 'step.worker': 'src/vector/step.worker.ts' }, format: ['esm'], splitting: true }),
      preset({ entry: { index: 'src/index.ts' }, format: ['cjs'], clean: false, shims: true }),
      preset({ entry: { viewer: 'src/viewer/index.ts' }, format: ['cjs'], clean: false }),
      // the script of the self-contained page, three.js included
      preset({
        entry: { 'viewer-page': 'src/viewer/page.ts' },
        format: ['iife'],
        platform: 'browser',
        noExternal: [/.*/],
        minify: true,
        sourcemap: false,
        clean: false,
      }),
    ];
