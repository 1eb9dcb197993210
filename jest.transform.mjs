// swc, and each module's built-in objects as constants of its own. Jest runs tests in a context of Node's vm, where the
// name of a global, as Math in a loop, is looked up by a call out of the compiled code: a hundred times the work of what
// is done with it. Jest's own remedy, sandboxInjectedGlobals, reaches CommonJS only; these are ES modules.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import swc from '@swc/jest';

/** None that a test puts another in the place of (Date, performance, timers, fetch). */
export const builtIns = [
  'Math',
  'Number',
  'Array',
  'Object',
  'Map',
  'Set',
  'Float32Array',
  'Float64Array',
  'Int32Array',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
];

/** On the first line, so that all others keep their numbers; a name that the module gives to something itself is left. */
function withConstants({ code, ...rest }) {
  const used = builtIns.filter(
    (name) =>
      new RegExp(`(?<![.\\w$])${name}\\b`).test(code) &&
      !new RegExp(`\\b(import|export|const|let|var|class|function)\\b[^;=(\\n]*(?<![.\\w$])${name}\\b`).test(code),
  );
  return { ...rest, code: used.length > 0 ? `const { ${used.join(', ')} } = globalThis; ${code}` : code };
}

const self = readFileSync(fileURLToPath(import.meta.url), 'utf8');

export default {
  createTransformer(options) {
    const inner = swc.createTransformer(options);
    return {
      ...inner,
      process: (source, path, config) => {
        const made = inner.process(source, path, config);
        return config.supportsStaticESM ? withConstants(made) : made;
      },
      processAsync: async (source, path, config) => withConstants(await inner.processAsync(source, path, config)),
      getCacheKey: (...all) =>
        createHash('sha1')
          .update(inner.getCacheKey(...all))
          .update(self)
          .digest('hex'),
    };
  },
};
