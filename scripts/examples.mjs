// Runs what the documentation shows, against the built packages, as a reader would: the examples of every package (each a
// file that imports public names only and ends by itself within a minute), and the TypeScript of each page of the guide
// and of the root's README (its blocks joined into one program). These must also pass the type checker. The README's
// JavaScript is run too, block by block.
// usage: node scripts/examples.mjs [package | guide …]
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNativeAvailable } from '../packages/tensor-native/dist/index.js';
import { packages } from './lib/packages.mjs';
import { Results } from './lib/results.mjs';
import { quote, root, run } from './lib/run.mjs';
import { needsNative, programOf, scriptsOf, toJavaScript } from './packed/quick-start.mjs';

const wanted = process.argv.slice(2);
const chosen = (name) => wanted.length === 0 || wanted.includes(name);
const results = new Results('examples');

/** An empty folder inside a package, so that Node resolves what that package depends on, and its own name. */
function emptyFolder(path) {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}

async function execute(name, program) {
  const { ok, output, seconds } = await run(`${quote(process.execPath)} ${quote(program)}`, {
    cwd: join(program, '..'),
    timeoutMs: 60_000,
  });
  if (ok) results.pass(name, seconds);
  else results.fail(name, seconds, { output });
}

for (const { short, folder } of packages()) {
  const examples = join(folder, 'examples');
  if (!chosen(short) || !existsSync(examples)) continue;
  const built = emptyFolder(join(folder, 'build', 'examples'));
  for (const file of readdirSync(examples).filter((name) => /\.(ts|mjs)$/.test(name))) {
    const source = readFileSync(join(examples, file), 'utf8');
    const program = join(built, file.replace(/\.ts$/, '.mjs'));
    writeFileSync(program, file.endsWith('.ts') ? toJavaScript(source) : source);
    await execute(`${short}/examples/${file}`, program);
  }
}

if (chosen('guide')) {
  const guide = join(root, 'docs', 'guide');
  const built = emptyFolder(join(root, 'docs', 'build', 'guide'));
  const pages = ['README.md', ...readdirSync(guide)]
    .map((page) => ({ page, text: readFileSync(join(page === 'README.md' ? root : guide, page), 'utf8') }))
    .map(({ page, text }) => ({ page, source: programOf(text) }))
    .filter(({ source }) => source);
  for (const { page, source } of pages)
    writeFileSync(join(built, page.replace('.md', '.ts')), `${source}\nexport {};\n`);
  writeFileSync(
    join(built, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.base.json', compilerOptions: { types: ['node'] }, include: ['*.ts'] }),
  );
  const { ok, output, seconds } = await run(`tsc -p ${quote(built)}`);
  if (ok) results.pass('types of the guide', seconds);
  else results.fail('types of the guide', seconds, { output });
  for (const { page, source } of pages) {
    const program = join(built, page.replace('.md', '.mjs'));
    writeFileSync(program, toJavaScript(source));
    await execute(page === 'README.md' ? page : `docs/guide/${page}`, program);
  }
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const [i, source] of scriptsOf(readme).entries()) {
    const name = `README.md, js block ${i + 1}`;
    if (needsNative(source) && !isNativeAvailable()) {
      results.skip(name, 'no native binary was compiled here');
      continue;
    }
    const program = join(built, `README-js-${i + 1}.mjs`);
    writeFileSync(program, source);
    await execute(name, program);
  }
}
results.finish();
