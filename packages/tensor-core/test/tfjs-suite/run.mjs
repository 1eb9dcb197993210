// Runs tfjs-core's suite on `node` in this process: node test/tfjs-suite/run.mjs [--all] [--filter text]
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../tensor-native/test/bundle.mjs';
import { runSuite } from '../../../tensor-native/test/tfjs-suite/run-suite.mjs';
import { exclusions } from './exclusions.mjs';

const test = dirname(dirname(fileURLToPath(import.meta.url)));
await runSuite(await bundle('tfjs-suite', 'tfjs-suite/entry.ts', test), exclusions, process.argv.slice(2));
