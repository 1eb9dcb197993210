// Tests the backend `node`: TensorFlow's own library, put in place by the command that users have. An install of the same
// recipe is used again.
// usage: npm run test:tensorflow [-- --cuda]
//        --cuda tests the library with CUDA instead: on the GPU where there is one (5 GB of disk); elsewhere that it loads,
//        computes on the CPU, and that node-gpu goes on with native (it downloads 621 MB, 2 GB of memory, 4 GB of disk)
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchNode } from './lib/fetch-node.mjs';
import { freshReport, jestCommand, jestCounts } from './lib/jest.mjs';
import { Results } from './lib/results.mjs';
import { quote, root, run } from './lib/run.mjs';

const target = process.argv.includes('--cuda') ? 'node-gpu' : 'node';
const results = new Results('tensorflow');
const gimbal = `${quote(process.execPath)} ${quote(join(root, 'packages/gimbal/bin/gimbal.mjs'))}`;

/** What keeps an install from being made, without being a fault of ours. */
const reasons = [
  'needs python3 with pip',
  'needs pip >=',
  'needs a C\\+\\+ compiler',
  'needs npm',
  'no musl build',
  'no pinned TensorFlow',
  'needs Linux',
  'too little space',
  'no NVIDIA driver',
  'pip could not fetch',
  'npm could not fetch',
];

const installed = await run(`${gimbal} doctor --install ${target} --yes`, { timeoutMs: 600_000 });
const reason = new RegExp(`error gimbal doctor[^:]*: (.*(?:${reasons.join('|')}).*)`).exec(installed.output)?.[1];
if (installed.ok) {
  results.pass(`gimbal doctor --install ${target} --yes`, installed.seconds);
  await tests();
} else if (target === 'node-gpu' && reason?.includes('no NVIDIA driver')) {
  await withoutGpu();
} else if (reason !== undefined) {
  results.skip('TensorFlow', reason.replace(/:$/, ''));
} else {
  results.fail(`gimbal doctor --install ${target} --yes`, installed.seconds, { output: installed.output });
}
results.finish();

/** The library with CUDA on a machine without a GPU, in a cache of its own, which goes afterwards. */
async function withoutGpu() {
  const folder = join(root, 'build', 'tensorflow-cuda');
  const [site, cache] = [join(folder, 'site-packages'), join(folder, 'cache')];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  try {
    const tags = '--only-binary=:all: --python-version 3.11 --platform manylinux2014_x86_64';
    const quiet = '-q --disable-pip-version-check --no-deps --no-compile --no-cache-dir';
    const pip = await run(`python3 -m pip install ${quiet} ${tags} --target ${quote(site)} tensorflow==2.20.0`, {
      env: { TMPDIR: join(folder, 'tmp'), PIP_USER: 'false', PIP_REQUIRE_VIRTUALENV: 'false' },
      timeoutMs: 900_000,
    });
    if (!pip.ok) return results.skip('TensorFlow with CUDA', pip.output.trim().split('\n').at(-1));
    const env = { XDG_CACHE_HOME: cache, GIMBAL_TENSORFLOW: undefined };
    const linked = await run(`${gimbal} doctor --install node --tensorflow ${quote(site)} --yes`, { env });
    const what = 'the library with CUDA loads and computes on the CPU';
    if (!linked.ok) return results.fail(what, linked.seconds, { output: linked.output });
    results.pass(what, linked.seconds);
    // as on a machine whose driver finds no GPU
    const test = join(root, 'packages/tensor-core/test/tensorflow');
    const asked = await run(`${quote(process.execPath)} ${quote(join(test, 'automatic.mjs'))} node-gpu`, {
      env: {
        ...env,
        GIMBAL_TENSORFLOW: join(cache, 'gimbal', 'tensorflow-2.20.0-cpu'),
        GIMBAL_SIMULATED_GPU: 'driver',
        NODE_OPTIONS: `--require "${join(test, 'simulated-gpu.cjs')}"`,
      },
      timeoutMs: 120_000,
    });
    const answer = JSON.parse(/^\{.*\}$/m.exec(asked.output)?.[0] ?? '{}');
    const fellBack =
      answer.chosen?.[0]?.name === 'native' &&
      answer.warnings?.length === 1 &&
      /^useBackend\('node-gpu'\): TensorFlow finds no GPU \(.*cuda.*\); going on with native$/i.test(
        answer.warnings[0],
      ) &&
      String(answer.product) === '8,11,16,23';
    if (fellBack) results.pass('node-gpu without a GPU warns with the reason and goes on with native', asked.seconds);
    else results.fail('node-gpu without a GPU goes on with native', asked.seconds, { output: asked.output });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tests() {
  const node24 = await fetchNode('24').catch((error) => {
    results.skip('Node 24', error.message.split('\n')[0]);
  });
  const table = 'packages/tensor-core/src/ops/op-table';
  await jest(`tests on ${target}`, 'tensorflow-jest', {
    files: [
      'packages/tensor-core/test/tensorflow',
      table,
      'packages/tensor-core/src/gap/',
      'packages/tensor-core/test/golden-ops',
      'packages/tensor-core/test/optimizers',
    ],
    env: node24 === undefined ? {} : { GIMBAL_TEST_NODE: node24 },
  });
  if (node24 !== undefined)
    await jest(`the op table on ${target}, Node 24`, 'tensorflow-jest-24', { files: [table], node: node24 });
}

/** Runs test files on the backend; each test counts. */
async function jest(what, name, { files, node, env = {} }) {
  const report = freshReport(name);
  const { ok, output, seconds } = await run(jestCommand(report, files, node), {
    env: { GIMBAL_TEST_BACKEND: target, TF_CPP_MIN_LOG_LEVEL: '2', ...env },
    timeoutMs: 900_000,
  });
  let counted;
  try {
    counted = jestCounts(report);
    results.add(counted);
  } catch {
    results.fail(what, seconds, { output });
    return;
  }
  for (const line of output.split('\n').filter((text) => /^(tfjs-core suite|ops |skipped)/.test(text)))
    console.log(line);
  const counts = `${what}, ${counted.skipped} skipped`;
  if (ok) results.pass(counts, seconds, { count: false });
  // a run that fails without a failed test (its end, say) is one
  else results.fail(counts, seconds, { output, count: counted.failed === 0 });
}
