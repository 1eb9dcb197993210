// Runs tfjs-core's suite in this process: node test/tfjs-suite/run.mjs [native|cpu] [--all] [--filter text]
import { bundle } from '../bundle.mjs';
import { exclusions } from './exclusions.mjs';
import { runSuite } from './run-suite.mjs';

const argument = process.argv.slice(2);
process.env.GIMBAL_SUITE_BACKEND = argument[0]?.startsWith('--') === false ? argument[0] : 'native';
await runSuite(await bundle('tfjs-suite', 'tfjs-suite/entry.ts'), exclusions, argument);
