// Bundles a program that needs tfjs-core's own modules with our backend: dist/ of that package is ES modules in a package
// that Node reads as CommonJS, so Node cannot import it as it is.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/**
 * Writes build/<name>.mjs (it finds the native binary from there) from test/<entry> and returns its path.
 * @param {string} [test] the folder that `entry` lies in; default: tensor-native's tests
 */
export async function bundle(name, entry, test = here) {
  const outfile = join(here, '..', 'build', `${name}.mjs`);
  await build({
    entryPoints: [join(test, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // tfjs-core says `sideEffects: false`, and every spec is a side effect
    ignoreAnnotations: true,
    // not the ES5 build for Node, which has an engine of its own
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}
