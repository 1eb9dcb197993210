// The browser's entry bundles without a module of Node's, and distils in a realm that has what a page has.
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import type { PageResult } from './helpers/page-distil.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test('a page distils a student, and compares it with its start', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [here('helpers/page-distil.ts')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser', // a module of Node's is an error, unless a package's own manifest leaves it out
    format: 'iife',
    target: 'es2022',
    conditions: ['@gimbal/source', 'browser'],
    ignoreAnnotations: true, // tfjs-backend-cpu says that importing it does nothing
    logLevel: 'silent',
  });
  expect(Object.keys(metafile.inputs).filter((file) => file.endsWith('.node.ts'))).toEqual([]);
  const context = createContext({
    ...{ console, performance, setTimeout, clearTimeout, queueMicrotask, TextEncoder, TextDecoder, URL },
    ...{ AbortController, structuredClone },
    location: { href: 'https://models.test/' },
    document: {}, // by which tfjs knows a page
  });
  runInContext('globalThis.self = globalThis.window = globalThis', context);
  runInContext(outputFiles[0]?.text ?? '', context);
  const run = (context as { run(): Promise<PageResult> }).run;
  const { losses, scores, acceptance } = JSON.parse(JSON.stringify(await run())) as PageResult;
  expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
  expect(scores).toEqual([expect.any(Number), expect.any(Number)]);
  expect(acceptance[1]).toBeGreaterThan(acceptance[0] as number);
}, 60_000);
