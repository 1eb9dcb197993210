// What modules of the user's do outside the calls that are made to them: a promise that one left alone and that is rejected,
// an end of the whole process. Node tells of the first with a stack of its own, and of the second not at all.
import type { Output } from '../cli/output.ts';
import { isEndTold, tellEnd } from '../cli/told-end.ts';

/** Modules that one flag names: `gimbal rl --reward`. */
export interface Suspects {
  where: string;
  paths: readonly string[];
}

/**
 * Says so, as an error of the modules: of one of them, where there are several, since nothing says which.
 * @returns a function that stops watching
 */
export function watchModules(output: Output, suspects: readonly Suspects[]): () => void {
  const found = suspects.filter(({ paths }) => paths.length > 0);
  const names = [...new Set(found.flatMap(({ paths }) => paths))];
  if (names.length === 0) return () => {};
  const { noteColors: c } = output;
  const where = found.map((one) => one.where).join(', ');
  const who = names.length === 1 ? names[0] : `one of ${names.join(', ')}`;
  const say = (what: string): void => {
    tellEnd();
    output.note(`${c.red('error')} ${where}: ${who}${what}. What was saved is kept.`);
  };
  const onRejection = (reason: unknown): void => {
    const said = (reason as { message?: unknown } | null)?.message;
    const text = typeof said === 'string' ? said : String(reason);
    say(`: a promise was rejected that the call had not waited for: ${text}. Await it, or catch what it throws`);
    process.exit(2);
  };
  const onExit = (code: number): void => {
    if (isEndTold()) return;
    say(' ended the process (process.exit)');
    if (code === 0) process.exitCode = 1;
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtExceptionMonitor', tellEnd); // Node prints it
  process.on('exit', onExit);
  return () => {
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtExceptionMonitor', tellEnd);
    process.off('exit', onExit);
  };
}
