// Curves of a claim of fma-pg in its page: the pictures that the claim drew are copied to docs/images, and shown between the
// page's marks `<!-- curves of C15 -->` and `<!-- end of C15 -->`.
// usage: npx gimbal reproduce fma-pg --claim C15 --peer --out runs/c15 && node docs/curves.mjs C15 runs/c15
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const algorithms = { C14: 'PPO', C15: 'SAC' };

/**
 * @param {string} page text of the page
 * @param {string} claim its id
 * @param {readonly string[]} envs ids of environments
 * @returns {string} the page, with a picture of each environment between the claim's marks
 */
export function withCurves(page, claim, envs) {
  const [from, to] = [`<!-- curves of ${claim} -->\n`, `<!-- end of ${claim} -->`];
  const [start, end] = [page.indexOf(from), page.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`the page has no marks of ${claim}`);
  const pictures = envs.map(
    (env) =>
      `![Return of ${algorithms[claim]} on ${env}, Gimbal beside Stable-Baselines3](../images/${nameOf(claim, env)})\n\n`,
  );
  return page.slice(0, start + from.length) + pictures.join('') + page.slice(end);
}

const nameOf = (claim, env) => `fma-pg-${claim}-${env.replace(/-v\d+$/, '')}.svg`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [claim, run] = process.argv.slice(2);
  if (!(claim in algorithms) || run === undefined)
    throw new Error('which claim and run? node docs/curves.mjs C15 runs/c15');
  const here = fileURLToPath(new URL('.', import.meta.url));
  const files = (await readdir(join(run, claim))).filter((file) => /^returns-.*\.svg$/.test(file)).sort();
  const envs = files.map((file) => file.slice('returns-'.length, -'.svg'.length));
  if (envs.length === 0) throw new Error(`${join(run, claim)} holds no pictures`);
  for (const env of envs)
    await copyFile(join(run, claim, `returns-${env}.svg`), join(here, 'images', nameOf(claim, env)));
  const path = join(here, 'packages/fma-pg.md');
  await writeFile(path, withCurves(await readFile(path, 'utf8'), claim, envs));
  console.log(`${envs.join(', ')} in ${path}`);
}
