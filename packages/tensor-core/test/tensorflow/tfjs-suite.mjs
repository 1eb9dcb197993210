// Runs tfjs-core's suite on `node` in this process: node test/tensorflow/tfjs-suite.mjs [--all] [--filter text]
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../tensor-native/test/bundle.mjs';
import { runSuite } from '../../../tensor-native/test/tfjs-suite/run-suite.mjs';
import { exclusions } from './exclusions.mjs';

const here = dirname(fileURLToPath(import.meta.url));
await runSuite(await bundle('tensorflow-suite', 'tfjs-suite.ts', here), exclusions, process.argv.slice(2));
