/**
 * A process or a thread that takes locks when it is told to. A message is a file to take, answered by 'taken' or who
 * holds it, or anything else to release it. Argument `no-links`: as where the file system has none.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { takeLock } from '../../src/io/lock.node.ts';

if (process.argv[2] === 'no-links') {
  fs.linkSync = () => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'link' });
  };
  syncBuiltinESMExports();
}

const answer = (message: unknown): void => {
  if (parentPort) parentPort.postMessage(message);
  else process.send?.(message);
};

let release: (() => void) | undefined;
(parentPort ?? process).on('message', (file: unknown) => {
  if (typeof file !== 'string') {
    release?.();
    release = undefined;
    return answer('released');
  }
  const taken = takeLock(file);
  if (typeof taken === 'function') release = taken;
  answer(release ? 'taken' : taken);
});
