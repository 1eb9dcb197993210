// What a step of an install throws: what the program said at its end, and what to do about it.
import { BackendError } from '@gimbal/tensor-core';

export const where = 'gimbal doctor --install';

/** What a program said at its end. */
export const lastLines = (text: string, count = 12): string => text.trimEnd().split('\n').slice(-count).join('\n');

const full = 'the disk is full: free some space, or set XDG_CACHE_HOME to a folder on another disk';

/** @param fix where nothing better is known from the output */
export function failed(what: string, output: string, fix: string, signal: AbortSignal): Error {
  signal.throwIfAborted();
  const isFull = /no space left|ENOSPC|quota exceeded|EDQUOT/i.test(output);
  return new BackendError({ where, what: `${what}:\n${lastLines(output)}\n`, fix: isFull ? full : fix });
}

const causes: { readonly [code: string]: string } = {
  ENOSPC: full,
  EDQUOT: full,
  EROFS: 'set XDG_CACHE_HOME to a folder that can be written to',
  EACCES: 'set XDG_CACHE_HOME to a folder that can be written to',
  EPERM: 'set XDG_CACHE_HOME to a folder that can be written to',
};

/** An error of the file system as one of ours; others stay as they are. */
export function inWords(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const fix = causes[code ?? ''];
  return fix === undefined ? error : new BackendError({ where, what: message, fix, cause: error });
}
