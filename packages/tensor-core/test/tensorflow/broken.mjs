// Loads the binding of an install by itself and prints what the error means, as JSON.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../tensor-native/test/bundle.mjs';

const file = await bundle('tensorflow-broken', 'broken.ts', dirname(fileURLToPath(import.meta.url)));
await import(file);
