// What may and what must be in a published tarball.

const forbidden = [
  [/\.test(-d)?\.[cm]?tsx?$/, 'a test'],
  [/^(test|examples|scripts|prebuilds|build)\//, 'a folder of the workspace'],
  [/\/golden\//, 'golden files'],
  [/\.(cc|h|o|node|key)$/, 'native sources or binaries'],
  [/(^|\/)(tsconfig|jest|tsup)[^/]*$/, 'a tool configuration'],
];

/** Sources that a command of the package compiles on the user's machine. */
const compiledByUsers = new Set(['gimbal/cc/tensorflow-binding.cc']);

/**
 * @param {import('./pack.mjs').Packed} one
 * @returns {string[]} one sentence a fault; empty when the tarball is right
 */
export function faultsOfContents({ name, files, manifest }) {
  const faults = [];
  for (const file of files.filter((path) => !compiledByUsers.has(`${name}/${path}`)))
    for (const [, what] of forbidden.filter(([pattern]) => pattern.test(file)).slice(0, 1))
      faults.push(`${name} packs ${what}: ${file}`);
  for (const must of ['LICENSE', 'README.md', 'package.json', ...targets(manifest.exports), ...targets(manifest.bin)])
    if (!files.includes(must)) faults.push(`${name} lacks ${must}`);
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
    if (manifest.scripts?.[script]) faults.push(`${name} has an install script: ${script}`);
  for (const [field, wanted] of [
    ['license', 'Apache-2.0'],
    ['type', 'module'],
  ])
    if (manifest[field] !== wanted) faults.push(`${name}: ${field} is ${manifest[field]}, wanted ${wanted}`);
  if (manifest.engines?.node !== '>=20') faults.push(`${name}: engines.node is not >=20`);
  if (typeof manifest.sideEffects !== 'boolean') faults.push(`${name}: sideEffects is not stated`);
  if (!manifest.description) faults.push(`${name}: no description`);
  return faults;
}

/** Every file that an `exports` or `bin` field points to. */
function targets(field) {
  if (typeof field === 'string') return field.includes('*') ? [] : [field.replace(/^\.\//, '')];
  return Object.values(field ?? {}).flatMap(targets);
}
