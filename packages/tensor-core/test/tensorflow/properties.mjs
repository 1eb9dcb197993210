// Bundles and runs properties.ts in this process.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../tensor-native/test/bundle.mjs';

await import(await bundle('tensorflow-properties', 'properties.ts', dirname(fileURLToPath(import.meta.url))));
