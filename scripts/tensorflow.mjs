// Tests the backend `node`: TensorFlow's own library, put in place by the command that users have. An install of the same
// recipe is used again.
// usage: npm run test:tensorflow [-- --cuda]
//        --cuda tests the library with CUDA instead (2 GB of memory, 5 GB of disk): on the GPU where there is one
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
} else if (reason !== undefined) {
  results.skip('TensorFlow', reason.replace(/:$/, ''));
} else {
  results.fail(`gimbal doctor --install ${target} --yes`, installed.seconds, { output: installed.output });
}
results.finish();

async function tests() {
  const report = freshReport('tensorflow-jest');
  const node24 = await fetchNode('24').catch((error) => {
    results.skip('the suite under Node 24', error.message.split('\n')[0]);
  });
  const files = [
    'packages/tensor-core/test/tensorflow',
    'packages/tensor-core/src/ops/op-table',
    'packages/tensor-core/src/gap/',
    'packages/tensor-core/test/golden-ops',
    'packages/tensor-core/test/optimizers',
  ];
  const { ok, output, seconds } = await run(jestCommand(report, files), {
    env: {
      GIMBAL_TEST_BACKEND: target,
      TF_CPP_MIN_LOG_LEVEL: '2',
      ...(node24 !== undefined && { GIMBAL_TEST_NODE: node24 }),
    },
    timeoutMs: 900_000,
  });
  let counted;
  try {
    counted = jestCounts(report);
    results.add(counted);
  } catch {
    results.fail(`tests on ${target}`, seconds, { output });
    return;
  }
  for (const line of output.split('\n').filter((text) => /^(tfjs-core suite|ops |skipped)/.test(text)))
    console.log(line);
  const what = `tests on ${target}, ${counted.skipped} skipped`;
  if (ok) results.pass(what, seconds, { count: false });
  // a run that fails without a failed test (its end, say) is one
  else results.fail(what, seconds, { output, count: counted.failed === 0 });
}
