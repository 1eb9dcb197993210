// A page without a browser: a package's browser entry, bundled, runs in a realm that has what a page has and nothing of Node's.
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';

/** A page's program, and what each of its files imports. */
interface Bundle {
  readonly code: string;
  readonly imports: Readonly<Record<string, readonly string[]>>;
}

/** @param entry path of the program, which leaves `run` on globalThis */
export async function bundlePage(entry: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
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
  const imports = Object.entries(metafile.inputs).map(([file, input]) => [file, input.imports.map((i) => i.path)]);
  return { code: outputFiles[0]?.text ?? '', imports: Object.fromEntries(imports) };
}

/** Files of a bundle that are Node's alone: there should be none. */
export const filesOfNode = ({ imports }: Bundle): string[] =>
  Object.keys(imports).filter((file) => file.endsWith('.node.ts'));

/**
 * Starts a program in a realm of its own.
 * @param more globals beside those of every page, such as `fetch`
 * @returns its `run`, whose result travels as JSON: objects of another realm equal none of this one's
 */
export function startPage<A extends readonly unknown[], R>(
  { code }: Bundle,
  more: Readonly<Record<string, unknown>> = {},
): (...given: A) => Promise<R> {
  const context = createContext({
    ...{ console, performance, setTimeout, clearTimeout, queueMicrotask, TextEncoder, TextDecoder, URL },
    ...{ AbortController, structuredClone },
    location: { href: 'https://models.test/' },
    document: {}, // by which tfjs knows a page
    ...more,
  }) as { run(...given: A): Promise<unknown> };
  runInContext('globalThis.self = globalThis.window = globalThis', context);
  runInContext(code, context);
  return async (...given) => JSON.parse(JSON.stringify(await context.run(...given))) as R;
}
