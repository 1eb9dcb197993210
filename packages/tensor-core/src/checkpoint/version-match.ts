/** Can this version go on with what another one saved? Where the leading number differs, state has other meanings. */
import { CheckpointError } from '../errors.ts';
import { version } from '../version.ts';

/** `2` of 2.1.0; `0.3` of 0.3.1, where each minor version may break; undefined for code that runs unbuilt. */
function breaking(text: string): string | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(text) ?? [];
  return major === '0' ? `0.${minor}` : major;
}

/**
 * Refuses to go on with a checkpoint of an incompatible version of the library.
 * @param saved the version that wrote it
 * @param where the checkpoint, for the message
 * @param own this version
 * @throws CheckpointError with both versions: `got` is this one, `wanted` the checkpoint's
 */
export function checkVersion(saved: string, where: string, own: string = version): void {
  const [theirs, ours] = [breaking(saved), breaking(own)];
  if (theirs === undefined || ours === undefined || theirs === ours) return;
  throw new CheckpointError({
    where,
    what: 'the checkpoint was written by another major version of the library',
    got: own,
    wanted: saved,
    fix: `Go on with version ${saved}, or start a new run`,
  });
}
