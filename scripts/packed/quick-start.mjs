// Takes the quick start out of a README: everything a reader would type, in the order it stands there.
import swc from '@swc/core';

/**
 * @typedef {object} QuickStart
 * @property {string[]} commands the lines of its `sh` blocks, in order; installs are left out, as they have been done
 * @property {string} program its `ts` and `js` blocks, one below the other, as TypeScript ('' when there are none)
 */

const shell = ['sh', 'bash', 'shell'];
const script = ['ts', 'js', 'typescript', 'javascript'];

/**
 * The code under the heading "Quick start" (any level), down to the next heading of that level or above. Blocks
 * marked `ts`, `js` or `sh` count; others (`text`, `json`, output to look at) do not.
 *
 * @param {string} markdown
 * @returns {QuickStart | undefined} undefined when there is no such heading, or no code under it
 */
export function quickStart(markdown) {
  let level = 0; // of the open quick start; 0 outside
  const inside = [];
  for (const part of partsOf(markdown)) {
    if (part.level && level > 0 && part.level <= level) level = 0;
    if (part.level && /^quick[ -]?start\b/i.test(part.text)) level = part.level;
    if (part.language && level > 0) inside.push(part);
  }
  const commands = inside.filter((p) => shell.includes(p.language)).flatMap((p) => shellLines(p.text));
  const program = join(inside.filter((p) => script.includes(p.language)));
  return commands.length > 0 || program ? { commands, program } : undefined;
}

/** The `ts` blocks of a whole page, joined into one program; '' when it has none. */
export const programOf = (markdown) => join(partsOf(markdown).filter((p) => p.language === 'ts'));

/** The `js` blocks of a page: each is a program of its own. */
export const scriptsOf = (markdown) =>
  partsOf(markdown)
    .filter((p) => p.language === 'js')
    .map((p) => p.text);

/** Whether a program makes `native` its backend, and so has nothing to run on where no binary was compiled. */
export const needsNative = (program) => program.includes("setBackend('native')");

const join = (blocks) => blocks.map((p) => p.text).join('\n');

/** The headings (with their level) and code blocks (with their language) of a text, in order. */
function partsOf(markdown) {
  const parts = [];
  let block;
  for (const line of markdown.split(/\r?\n/)) {
    const fence = /^```\s*(\w*)/.exec(line);
    const heading = /^(#+)\s+(.*)$/.exec(line);
    if (block && fence) {
      parts.push({ language: block.language, text: block.lines.join('\n') });
      block = undefined;
    } else if (block) block.lines.push(line);
    else if (fence) block = { language: fence[1] || 'text', lines: [] };
    else if (heading) parts.push({ level: heading[1].length, text: heading[2] });
  }
  return parts;
}

/** Commands of a shell block: comments and prompts dropped, continued lines joined, installs left out. */
function shellLines(text) {
  return text
    .replace(/\s*\\\n\s*/g, ' ')
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
