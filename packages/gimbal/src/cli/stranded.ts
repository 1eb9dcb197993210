// A command that waits for what will never come: a promise of the user's that is not kept, with nothing left to keep it. Node
// ends such a process without a word.
import type { Output } from './output.ts';
import { tellEnd } from './told-end.ts';

/**
 * Says so, and ends with 1.
 * @returns a function that stops watching
 */
export function watchStranding(output: Output): () => void {
  const onEmpty = (): void => {
    const { noteColors: c } = output;
    const what = 'waiting for an answer that nothing is left to give: a function returned a promise that never settles';
    output.note(`${c.red('error')} ${what}. What was saved is kept.`);
    tellEnd();
    process.exit(1);
  };
  process.once('beforeExit', onEmpty);
  return () => process.off('beforeExit', onEmpty);
}
