// The shape of the house: imports point down without cycles, and no source file outgrows one concept.
// usage: node scripts/floors.mjs
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { tooLong } from './lib/file-length.mjs';
import { packages } from './lib/packages.mjs';
import { root, run } from './lib/run.mjs';

/** Files that are longer, and why. A row whose file has become short enough must go. */
const exceptions = {};

const files = packages().flatMap(({ folder }) =>
  readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, 'src', name))
    .map((path) => [relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')]),
);
const complaints = tooLong(files, exceptions);
for (const line of complaints) console.log(line);
const { ok } = await run('depcruise --config .dependency-cruiser.mjs packages', { stream: true });
if (!ok || complaints.length > 0) process.exit(1);
