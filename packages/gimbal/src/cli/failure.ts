// What a failed command says and the exit code it leaves: 1 failed, 2 wrong usage or unusable data, 130 stopped by Ctrl-C.
import type { Output } from './output.ts';
import { tellEnd } from './told-end.ts';

interface Failure {
  name?: string;
  message?: string;
  stack?: string;
  code?: string;
  path?: string;
  /** where it is another than that of `code` */
  exitCode?: number;
  cause?: unknown;
}

/** Exit code of an error; by `code`, since an error may come from another realm. */
export function exitCode(error: unknown): number {
  const { code, name, exitCode: own } = error as Failure;
  if (own !== undefined) return own;
  if (code === 'ERR_STOPPED' || name === 'AbortError') return 130;
  return code === 'ERR_CONFIG' || code === 'ERR_DATA' ? 2 : 1;
}

const system: { [code: string]: string } = {
  ENOSPC: 'the disk is full. Free some space; the last complete checkpoint is kept, and --resume goes on from it',
  EDQUOT: 'the disk quota is used up. Free some space; --resume goes on from the last complete checkpoint',
  EACCES: 'permission denied. Choose another --out, or change the permissions',
  EPERM: 'not permitted. Choose another --out, or change the permissions',
  EROFS: 'the file system is read-only. Choose another --out',
  ENOENT: 'no such file or folder',
  EISDIR: 'this is a folder; a file is wanted',
  ENOTDIR: 'a part of this path is a file; a folder is wanted',
  EEXIST: 'there is a file of that name. Choose another name',
  EMFILE: 'too many open files. Raise the limit (ulimit -n)',
};

/** Print an error for a person: one message, and the stack only with --trace or where the fault is ours. */
export function printFailure(error: unknown, output: Output, trace: boolean): void {
  tellEnd();
  const { noteColors: c } = output;
  const failure = error as Failure;
  const typed = typeof failure.code === 'string' && failure.code.startsWith('ERR_') && isOurs(failure.code);
  if (exitCode(error) === 130) {
    output.note(`${c.yellow('stopped')} ${failure.message ?? ''}`.trimEnd());
  } else if (typed) {
    output.note(`${c.red('error')} ${failure.message}`);
  } else if (failure.code !== undefined && system[failure.code]) {
    output.note(`${c.red('error')} ${failure.path ? `${failure.path}: ` : ''}${system[failure.code]}.`);
  } else {
    output.note(`${c.red('error')} ${failure.message ?? String(error)}`);
    if (!trace) output.note(c.dim('This was not foreseen. Run again with --trace to see where it happened.'));
  }
  if (trace && failure.stack) output.note(c.dim(failure.stack));
  if (trace && failure.cause) output.note(c.dim(`caused by ${(failure.cause as Failure).stack ?? failure.cause}`));
}

const ours = new Set(['SHAPE', 'CONFIG', 'DATA', 'CHECKPOINT', 'BACKEND', 'NUMERICAL', 'STOPPED']);
const isOurs = (code: string): boolean => ours.has(code.slice('ERR_'.length));
