import type { Options } from 'tsup';
import { preset } from '../../scripts/tsup-preset.ts';

const entry = { index: 'src/index.ts', viewer: 'src/viewer/index.ts' };

// a page has no files: the one module that reads them is replaced where the registry asks for it
const noFiles: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'no-files-in-the-page',
  setup(build) {
    build.onResolve({ filter: /load-mjcf\.node\.ts$/ }, () => ({ path: 'no-files', namespace: 'page' }));
    build.onLoad({ filter: /.*/, namespace: 'page' }, () => ({
      contents: `export async function readMjcf() {
        throw new TypeError('xmlFile reads files: in a page pass xml, or use compileMjcf with files');
      }`,
    }));
  },
};

export default process.env.npm_lifecycle_event === 'build:types'
  ? [preset({ entry: { ...entry, browser: 'src/browser.ts' } })]
  : [
      // the worker thread is an entry of its own, beside the index that starts it; both use the same chunks
      preset({ entry: { ...entry, 'step.worker': 'src/vector/step.worker.ts' }, format: ['esm'], splitting: true }),
      preset({ entry: { index: 'src/index.ts' }, format: ['cjs'], clean: false, shims: true }),
      preset({ entry: { viewer: 'src/viewer/index.ts' }, format: ['cjs'], clean: false }),
      preset({
        entry: { browser: 'src/browser.ts' },
        format: ['esm'],
        platform: 'browser',
        esbuildPlugins: [noFiles],
        clean: false,
      }),
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
