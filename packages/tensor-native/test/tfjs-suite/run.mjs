// Runs tfjs-core's suite in this process: node test/tfjs-suite/run.mjs [native|cpu] [--all] [--filter text]
// A bundle that is made already, as on a platform that is emulated, is named by GIMBAL_SUITE_BUNDLE.
import { exclusions } from './exclusions.mjs';
import { runSuite } from './run-suite.mjs';

const argument = process.argv.slice(2);
process.env.GIMBAL_SUITE_BACKEND = argument[0]?.startsWith('--') === false ? argument[0] : 'native';
const made = process.env.GIMBAL_SUITE_BUNDLE;
const bundled = async () => (await import('../bundle.mjs')).bundle('tfjs-suite', 'tfjs-suite/entry.ts');
await runSuite(made ?? (await bundled()), exclusions, argument);
