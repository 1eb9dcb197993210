// Models by their name on the hub, with progress.
import type { HubOptions } from '@gimbal/language-models';
import { quantity } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';

/** How a command downloads: a line that moves at a terminal, one a file elsewhere. */
export function hubOptions(output: Output, signal: AbortSignal): HubOptions {
  let named = '';
  return {
    signal,
    onProgress(file, done, total) {
      if (output.live) output.status(`${file}  ${quantity(done)}B of ${quantity(total)}B`);
      else if (file !== named && total > 1e6) output.note(`downloading ${file}, ${quantity(total)}B`);
      named = file;
    },
  };
}
