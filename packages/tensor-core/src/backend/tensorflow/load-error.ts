// What the dynamic linker says about a binding that does not load, as a reason and what to do about it.
import type { Refusal } from '../backend-info.ts';

/** @param name the backend that was asked for */
export function refusalOfLoadError(error: unknown, name: 'node' | 'node-gpu'): Refusal {
  const message = (error as Error).message?.trim() ?? String(error);
  const again = `gimbal doctor --install ${name}`;
  if (/libtensorflow_\w+\.so\.2: cannot open shared object file|Library not loaded|Cannot find module/.test(message)) {
    return { reason: 'the library folder was removed', fix: again };
  }
  const runtime = /version [`'"]?((?:GLIBCXX|CXXABI|GLIBC)_[\d.]+)['"]? not found/.exec(message)?.[1];
  if (runtime !== undefined) {
    return {
      reason: `its binding was compiled against a newer system library (${runtime} not found)`,
      fix: `compile it again with this machine's g++: ${again}`,
    };
  }
  if (/failed to map segment|Operation not permitted/.test(message)) {
    return {
      reason: 'the library lies on a file system that runs no programs (noexec)',
      fix: `set XDG_CACHE_HOME to a folder on another, then ${again}`,
    };
  }
  return { reason: `TensorFlow does not load (${message.split('\n')[0]})`, fix: again };
}
