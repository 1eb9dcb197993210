// Takes the quick start out of a README: everything a reader would type, in the order it stands there.
import swc from '@swc/core';

/**
 * @typedef {object} QuickStart
 * @property {string[]} commands the lines of its `sh` blocks, in order; installs are left out, as they have been done
 * @property {string} program its `ts` and `js` blocks, one below the other, as TypeScript ('' when there are none)
 */

/**
 * The code under the heading "Quick start" (any level), down to the next heading of that level or above. Blocks
 * marked `ts`, `js` or `sh` count; others (`text`, `json`, output to look at) do not.
 *
 * @param {string} markdown
 * @returns {QuickStart | undefined} undefined when there is no such heading, or no code under it
 */
export function quickStart(markdown) {
  const commands = [];
  const programs = [];
  let level = 0; // of the open quick start; 0 outside
  let block;
  for (const line of markdown.split(/\r?\n/)) {
    const fence = /^```\s*(\w*)/.exec(line);
    if (block) {
      if (fence && !fence[1]) {
        if (level > 0 && ['sh', 'bash', 'shell'].includes(block.language)) commands.push(...shellLines(block.lines));
        if (level > 0 && ['ts', 'js', 'typescript', 'javascript'].includes(block.language))
          programs.push(block.lines.join('\n'));
        block = undefined;
      } else block.lines.push(line);
    } else if (fence) block = { language: fence[1], lines: [] };
    else {
      const heading = /^(#+)\s+(.*)$/.exec(line);
      if (heading && level > 0 && heading[1].length <= level) level = 0;
      if (heading && /^quick[ -]?start\b/i.test(heading[2])) level = heading[1].length;
    }
  }
  const program = programs.join('\n');
  return commands.length > 0 || program ? { commands, program } : undefined;
}

/** Commands of a shell block: comments and prompts dropped, continued lines joined, installs left out. */
function shellLines(lines) {
  return lines
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, '')
        .replace(/^\s*\$ /, '')
        .trim(),
    )
    .filter((line) => line && !/^(npm|pnpm|yarn) (i|install|add|init)\b/.test(line));
}

/** TypeScript → JavaScript that Node runs, with the line numbers kept in the source map. */
export function toJavaScript(program) {
  const { code } = swc.transformSync(program, {
    swcrc: false,
    isModule: true,
    sourceMaps: 'inline',
    jsc: { target: 'es2022', parser: { syntax: 'typescript' }, keepClassNames: true },
  });
  return code;
}
