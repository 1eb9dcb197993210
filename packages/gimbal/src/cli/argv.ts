// Small adjustments of the command line before commander reads it.
import { kebab, type OptionInfo } from '../options/kind.ts';

const booleanWord = /^(true|false|yes|no|on|off)$/i;

/**
 * A flag that takes true or false may stand alone (`--shuffle`), be negated (`--no-shuffle`) or have its value
 * (`--shuffle false`, `--shuffle=off`). Commander's optional values would swallow the next word whatever it is
 * (`bench --peer gemm`), so the value is folded into the flag here, and only if it is a boolean word.
 */
export function foldBooleans(argv: readonly string[], options: readonly OptionInfo[]): string[] {
  const flags = new Set(options.filter((o) => o.kind.type === 'boolean').map((o) => `--${o.flag}`));
  const folded: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === '--') return [...folded, ...argv.slice(i)];
    const [flag = '', attached] = splitOnce(word);
    const next = argv[i + 1];
    const detached = attached === undefined && next !== undefined && booleanWord.test(next) ? next : undefined;
    const value = attached ?? detached;
    if (!flags.has(flag) || value === undefined || !booleanWord.test(value)) {
      folded.push(word);
      continue;
    }
    folded.push(/^(true|yes|on)$/i.test(value) ? flag : flag.replace('--', '--no-'));
    if (detached !== undefined) i++;
  }
  return folded;
}

const splitOnce = (word: string): [string, string?] => {
  const at = word.indexOf('=');
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
};

/**
 * The word that names the command: the first that is neither a flag nor the value of a global flag.
 * @returns its index, or -1
 */
export function commandIndex(argv: readonly string[], globals: readonly OptionInfo[]): number {
  const takesValue = new Set(globals.filter((o) => o.kind.type !== 'boolean').map((o) => `--${kebab(o.name)}`));
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === '--') return -1;
    if (!word.startsWith('-')) return i;
    if (takesValue.has(word)) i++;
  }
  return -1;
}
