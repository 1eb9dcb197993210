// What a module of the user's does outside the calls that are made to it: a promise that it left alone and that is rejected,
// an end of the whole process. Node tells of the first with a stack of its own, and of the second not at all.
import type { Output } from '../cli/output.ts';

/** what a command ends with that has said why: failed, unusable data, stopped */
const told = new Set<number>([1, 2, 130]);

/**
 * Says so, as an error of the modules.
 * @param where `gimbal rl --reward`
 * @param paths of the modules; none: nothing is watched
 * @returns a function that stops watching
 */
export function watchModules(output: Output, where: string, paths: readonly string[]): () => void {
  if (paths.length === 0) return () => {};
  const { noteColors: c } = output;
  const names = paths.join(', ');
  const kept = 'What was saved is kept';
  const onRejection = (reason: unknown): void => {
    const said = (reason as { message?: unknown } | null)?.message;
    const what = `a promise was rejected that the call had not waited for: ${typeof said === 'string' ? said : String(reason)}`;
    output.note(`${c.red('error')} ${where}: ${names}: ${what}. Await it, or catch what it throws. ${kept}.`);
    process.exit(2);
  };
  const onExit = (code: number): void => {
    if (told.has(code)) return;
    output.note(`${c.red('error')} ${where}: ${names} ended the process (process.exit). ${kept}.`);
    if (code === 0) process.exitCode = 1;
  };
  process.on('unhandledRejection', onRejection);
  process.on('exit', onExit);
  return () => {
    process.off('unhandledRejection', onRejection);
    process.off('exit', onExit);
  };
}
