// The workspace's packages, as their manifests describe them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/**
 * @typedef {object} Package
 * @property {string} name the published name, e.g. `@gimbal/tensor-core`
 * @property {string} short the folder's name, e.g. `tensor-core`
 * @property {string} folder absolute path
 * @property {Record<string, any>} manifest its package.json
 */

/** @returns {Package[]} every package, those that others stand on first */
export function packages() {
  const folder = join(root, 'packages');
  const all = readdirSync(folder)
    .filter((short) => existsSync(join(folder, short, 'package.json')))
    .map((short) => {
      const manifest = JSON.parse(readFileSync(join(folder, short, 'package.json'), 'utf8'));
      return { name: manifest.name, short, folder: join(folder, short), manifest };
    });
  return all.sort((a, b) => needs(a, all).length - needs(b, all).length || a.name.localeCompare(b.name));
}

/**
 * The names of our packages that installing `one` brings along, itself included.
 *
 * @param {Package} one
 * @param {Package[]} all
 * @param {{ optional?: boolean }} [options] `optional: false` leaves out what is only an optional dependency
 * @returns {string[]}
 */
export function needs(one, all, { optional = true } = {}) {
  const found = new Set([one.name]);
  // a Set may grow while it is walked
  for (const name of found) {
    const manifest = all.find((p) => p.name === name)?.manifest ?? {};
    const wanted = {
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...(optional && manifest.optionalDependencies),
    };
    for (const dependency of Object.keys(wanted)) if (all.some((p) => p.name === dependency)) found.add(dependency);
  }
  return [...found];
}
