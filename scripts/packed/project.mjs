// An empty project with one of our packages in it, and what a user would do there first.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quote, root, run } from '../lib/run.mjs';
import { needsNative, quickStart, toJavaScript } from './quick-start.mjs';

/** Lifecycle scripts are off wherever npm installs: nothing may need one. */
export const npmFlags = '--ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error';

/** What a project keeps beside its programs: the README's commands, and which files it was made with. */
const notes = 'trials.json';

const minutes = (n) => n * 60_000;

/**
 * Makes an empty project and installs tarballs into it with npm.
 *
 * @param {string} folder must be outside the workspace, or Node would find the workspace's own node_modules
 * @param {string[]} tarballs
 * @param {{ withoutOptional?: boolean }} [options]
 */
export async function install(folder, tarballs, { withoutOptional = false } = {}) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const flags = withoutOptional ? `${npmFlags} --omit=optional` : npmFlags;
  return run(`npm install ${flags} ${tarballs.map(quote).join(' ')}`, { cwd: folder, timeoutMs: minutes(5) });
}

/**
 * Writes the programs that try a package: every entry from ES modules and CommonJS (both must give the same names), a
 * TypeScript consumer of each kind, and the README's quick start.
 *
 * @param {string} folder the project
 * @param {import('./pack.mjs').Packed} one
 * @param {{ native?: boolean }} [options] whether the project must find a native binary, or must not; undefined when it
 *   does not matter
 * @returns {{ hasQuickStart: boolean, leftOut?: string }} whether the README has a quick start, and why it is not tried
 */
export function writePrograms(folder, one, { native } = {}) {
  const entries = Object.keys(one.manifest.exports)
    .filter((path) => path !== './package.json')
    .map((path) => one.name + path.slice(1));
  writeFileSync(
    join(folder, 'esm.mjs'),
    `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
for (const entry of ${JSON.stringify(entries)}) {
  const names = (m) => Object.keys(m).filter((n) => n !== 'default' && n !== '__esModule' && n !== 'module.exports').sort().join(' ');
  const esm = names(await import(entry));
  const cjs = names(require(entry));
  if (!esm) throw new Error(entry + ' exports nothing');
  if (esm !== cjs) throw new Error(entry + ': import gives ' + esm + ' but require gives ' + cjs);
}
`,
  );
  writeFileSync(join(folder, 'cjs.cjs'), `${entries.map((entry) => `require('${entry}');`).join('\n')}\n`);
  writeFileSync(
    join(folder, 'esm.mts'),
    entries
      .map((e, i) => `import * as e${i} from '${e}';\nexport const n${i}: string[] = Object.keys(e${i});\n`)
      .join(''),
  );
  writeFileSync(
    join(folder, 'cjs.cts'),
    entries
      .map((e, i) => `import e${i} = require('${e}');\nexport const n${i}: string[] = Object.keys(e${i});\n`)
      .join(''),
  );
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    strict: true,
    noEmit: true,
    skipLibCheck: true, // tfjs's own declarations do not pass
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts', '*.cts'] }));
  if (native !== undefined)
    writeFileSync(
      join(folder, 'native.mjs'),
      `const found = await import('@gimbal/tensor-native').then((m) => m.nativeUnavailableReason() ?? true, () => 'not installed');
if ((found === true) !== ${native}) throw new Error('wanted native: ${native}, found: ' + found);
`,
    );
  const readme = join(folder, 'node_modules', one.name, 'README.md');
  const start = existsSync(readme) ? quickStart(readFileSync(readme, 'utf8')) : undefined;
  const leftOut =
    start && needsNative(start.program) && native !== true ? 'no native binary was compiled here' : undefined;
  if (start?.program && !leftOut) {
    writeFileSync(join(folder, 'quick-start.mts'), start.program);
    writeFileSync(join(folder, 'quick-start.mjs'), toJavaScript(start.program));
  }
  const own = [...readdirSync(folder), notes];
  writeFileSync(join(folder, notes), JSON.stringify({ commands: start?.commands ?? [], own }));
  return { hasQuickStart: start !== undefined, ...(leftOut && { leftOut }) };
}

/**
 * The compilers that consumers are checked with: the workspace's own, and the oldest one that is promised to work.
 *
 * @returns {Promise<Record<string, string>>} version → path of tsc
 * @throws {Error} when npm cannot fetch the older one
 */
export async function compilers() {
  const oldest = '5.9.3';
  const folder = join(root, 'build', `typescript-${oldest}`);
  const tsc = join(folder, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(tsc)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const { ok, output } = await run(`npm install ${npmFlags} typescript@${oldest}`, { cwd: folder });
    if (!ok) throw new Error(`typescript@${oldest} could not be installed:\n${output}`);
  }
  const own = join(root, 'node_modules', 'typescript');
  const { version } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'));
  return { [version]: join(own, 'bin', 'tsc'), [oldest]: tsc };
}

/**
 * The programs of a project, as command lines for the given Node.
 *
 * @param {string} folder
 * @param {{ node?: string, tsc?: Record<string, string>, readsTypeScript?: boolean }} [options] `tsc`: compilers to check
 *   the TypeScript consumers with; none by default. `readsTypeScript`: this Node runs the quick start as it stands
 * @returns {{ what: string, command: string }[]}
 */
export function trials(folder, { node = process.execPath, tsc = {}, readsTypeScript = false } = {}) {
  const { commands } = JSON.parse(readFileSync(join(folder, notes), 'utf8'));
  const list = [
    { what: 'import', command: `${quote(node)} esm.mjs` },
    { what: 'require', command: `${quote(node)} cjs.cjs` },
  ];
  if (existsSync(join(folder, 'native.mjs'))) list.push({ what: 'native part', command: `${quote(node)} native.mjs` });
  for (const [version, path] of Object.entries(tsc))
    list.push({ what: `TypeScript ${version}`, command: `${quote(node)} ${quote(path)} -p .` });
  for (const line of commands) list.push({ what: `README: ${line}`, command: line });
  if (existsSync(join(folder, 'quick-start.mjs')))
    list.push({
      what: 'README quick start',
      command: `${quote(node)} quick-start.${readsTypeScript ? 'mts' : 'mjs'}`,
    });
  return list;
}

/** Whether `install` and `writePrograms` have made this project. */
export const isReady = (folder) => existsSync(join(folder, notes));

/** Removes what earlier trials left in a project: the next ones start where a reader starts. */
export function clear(folder) {
  const { own } = JSON.parse(readFileSync(join(folder, notes), 'utf8'));
  for (const name of readdirSync(folder))
    if (!own.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Runs one trial. The project's own commands (`npx gimbal`, …) must come from it: npx may fetch nothing. */
export function tryOne(folder, { command }, { node } = {}) {
  const path = node
    ? { PATH: `${join(node, '..')}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH}` }
    : {};
  return run(command, {
    cwd: folder,
    timeoutMs: minutes(3),
    env: { ...path, npm_config_offline: 'true', NODE_OPTIONS: undefined, FORCE_COLOR: undefined },
  });
}
