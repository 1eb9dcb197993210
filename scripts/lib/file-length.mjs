// How long a source file may be: what does not fit is two concepts.

/** Lines; most files are far shorter. */
export const mostLines = 400;

/**
 * @param {Iterable<readonly [path: string, text: string]>} files
 * @param {Record<string, string>} exceptions the reason by path
 * @returns {string[]} one sentence for each file that is too long, and for each exception that no file needs
 */
export function tooLong(files, exceptions) {
  const complaints = [];
  const unused = new Set(Object.keys(exceptions));
  for (const [path, text] of files) {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (lines <= mostLines) continue;
    if (!unused.delete(path)) complaints.push(`${path} has ${lines} lines, at most ${mostLines}: split it by noun`);
  }
  for (const path of unused)
    complaints.push(`${path} is an exception in scripts/floors.mjs that it does not need: drop it`);
  return complaints;
}
