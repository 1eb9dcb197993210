// Bundles and runs run.ts in this process.
import { bundle } from '../bundle.mjs';

await import(await bundle('products', 'products/run.ts'));
