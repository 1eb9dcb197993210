// Bundles and runs run.ts in this process.
import { bundle } from '../bundle.mjs';

await import(await bundle('memory', 'memory/run.ts'));
