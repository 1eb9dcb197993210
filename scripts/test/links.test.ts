import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { deadLinks } from '../lib/links.mjs';
import { packages } from '../lib/packages.mjs';
import { root } from '../lib/run.mjs';

const pages = new Map([
  ['a.md', '# One `two`, *three*!\n[down](sub/b.md#b) [here](#one-two-three) [out](https://x.org) `[no](link.md)`\n'],
  ['sub/b.md', '# B\n[up](../a.md) <a href="../a.md">up</a>\n'],
]);
const found = (path: string): boolean => pages.has(path);

test('links to pages, to headings and to other places are fine; code has none', () => {
  expect(deadLinks(pages, found)).toEqual([]);
});

test('a page, a heading and a place of the site that are not there are named', () => {
  const bad = new Map([...pages, ['c.md', '[x](d.md) [y](a.md#four) ![z](/z.png)\n']]);
  expect(deadLinks(bad, found)).toEqual([
    'c.md: d.md leads nowhere: there is no d.md',
    'c.md: a.md#four leads nowhere: a.md has no such heading',
    'c.md: /z.png is a place on the site alone: make it relative',
  ]);
});

/** Every page that a person reads: at the top, the packages' and those of the docs, without what typedoc writes. */
function ours(): Map<string, string> {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('.md') && !/^(api|build|\.vitepress)\/|node_modules/.test(path))
    .map((path) => `docs/${path}`);
  const readmes = packages().map(({ short }) => `packages/${short}/README.md`);
  const paths = ['README.md', 'CONTRIBUTING.md', ...readmes, ...docs];
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

test('no link of the READMEs and the docs leads nowhere', () => {
  expect(deadLinks(ours(), (path) => existsSync(join(root, path)))).toEqual([]);
});

test('until the first release every README says how to use the package without npm; after it none does', () => {
  const read = packages().map(({ short, name, manifest: { version } }) => {
    const text = readFileSync(join(root, 'packages', short, 'README.md'), 'utf8');
    const said = text.includes(
      '\nBefore the first release it is not on npm: clone the repository, `npm run setup`, and ',
    );
    return [name, new RegExp(`^npm install ${name}( |$)`, 'm').test(text), said === (version === '0.0.0')];
  });
  expect(read).toEqual(packages().map(({ name }) => [name, true, true]));
});

test('a quick start says how it is run, on a Node that reads TypeScript and on one that does not', () => {
  const said = {
    ts: /`start\.mts`.*Node 24.*`node start\.mts`.*Node 20.*`npx tsx start\.mts`/s,
    js: /`node start\.mjs`/,
    sh: /^/,
  };
  const silent = packages().filter(({ short }) => {
    const text = readFileSync(join(root, 'packages', short, 'README.md'), 'utf8');
    const [, before = '', language] = /^## Quick start\n(.*?)^```(\w+)$/ms.exec(text) ?? [];
    return !said[language as keyof typeof said]?.test(before);
  });
  expect(silent.map(({ name }) => name)).toEqual([]);
});
