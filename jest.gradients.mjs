// tfjs-core's gradients are some four hundred ES modules in a package that Node reads as CommonJS. Every test file of its
// own realm would find, read and compile each of them; here Jest gets them as one script, made once and kept in its cache.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const relative = /\brequire\(["'](\.[^"']*)["']\)/g;

/** A module's CommonJS, without comments: its licence, and the map that its last line holds, would be read each time. */
function commonJs(path) {
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    filename: path,
    swcrc: false,
    sourceMaps: false,
    minify: true,
    jsc: { target: 'es2022', keepClassNames: true, minify: { compress: false, mangle: false } },
    module: { type: 'commonjs' },
  });
  return code;
}

function resolve(from, request) {
  const path = join(dirname(from), request);
  const found = [path, `${path}.js`, join(path, 'index.js')].find((file) => /\.js$/.test(file) && existsSync(file));
  if (found === undefined) throw new Error(`${from}: there is no ${request}`);
  return found;
}

/** A module and all it imports by relative paths, as one script; what it imports by name is left to `require`. */
function bundle(entry) {
  const numbers = new Map([[entry, 0]]);
  const modules = [];
  for (const path of numbers.keys()) {
    const code = commonJs(path).replace(relative, (_, request) => {
      const file = resolve(path, request);
      if (!numbers.has(file)) numbers.set(file, numbers.size);
      return `load(${numbers.get(file)})`;
    });
    modules.push(`(module, exports) => {\n${code}\n}`);
  }
  return `const modules = [${modules.join(',\n')}];
const loaded = [];
function load(i) {
  if (loaded[i] === undefined) {
    loaded[i] = { exports: {} };
    modules[i](loaded[i], loaded[i].exports);
  }
  return loaded[i].exports;
}
load(0);
`;
}

export default {
  process: (_source, path) => ({ code: bundle(path) }),
  getCacheKey: (source, path, { configString }) =>
    createHash('sha1')
      .update([source, path, configString, readFileSync(fileURLToPath(import.meta.url), 'utf8')].join('\0'))
      .digest('hex'),
};
