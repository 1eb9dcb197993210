// Entry of the `gimbal` command (bin/gimbal.mjs imports the built file).
import { main } from './cli/main.ts';

process.exitCode = await main(process.argv.slice(2), { root: new URL('./', import.meta.url) });
