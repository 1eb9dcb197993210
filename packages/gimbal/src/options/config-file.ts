// --config file.yaml: option values with the file and line each stands at, so that an error can point there.
import { readFile } from 'node:fs/promises';
import { ConfigError } from '@gimbal/tensor-core';
import { isMap, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import { camel } from './kind.ts';

/** One setting of a config file. */
export interface ConfigEntry {
  /** camelCase; settings under a heading are joined: `fineTune: { steps: 5 }` is `fineTuneSteps` */
  name: string;
  value: unknown;
  /** the scalar as written */
  source: string | undefined;
  /** `train.yaml:3` */
  where: string;
}

/**
 * Read a YAML file of options.
 * @param file its path
 * @param isMapOption whether an option of this name takes a map itself (`columns`), else a map is a heading
 * @throws ConfigError with file and line for a file that cannot be read, YAML that cannot be parsed, or a key given twice
 */
export async function readConfigFile(file: string, isMapOption: (name: string) => boolean): Promise<ConfigEntry[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const what = `cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new ConfigError({ where: `--config ${file}`, what, fix: 'Give the path of a YAML file', cause });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number): string => `${file}:${lines.linePos(offset).line}`;
  const broken = document.errors[0];
  if (broken) {
    throw new ConfigError({ where: lineOf(broken.pos[0]), what: `not valid YAML: ${broken.message}` });
  }
  const root = document.contents;
  if (root === null) return [];
  if (!isMap(root)) {
    const where = lineOf(root.range[0]);
    throw new ConfigError({ where, what: 'no options', wanted: 'a line `option: value` for each option' });
  }
  const all = [...entries(root, '')];
  const twice = all.find((entry, i) => all.findIndex(({ name }) => name === entry.name) < i);
  if (twice)
    throw new ConfigError({ where: twice.where, what: `${twice.name} is set twice`, fix: 'Leave one of the two out' });
  return all;

  /** Aliases are resolved only here: one may name nothing, or unfold to more than memory holds. */
  function plainValue(node: ParsedNode | null, where: string): unknown {
    try {
      return node?.toJS(document) ?? null;
    } catch (cause) {
      throw new ConfigError({ where, what: `not valid YAML: ${(cause as Error).message}`, cause });
    }
  }

  function* entries(map: ParsedNode & { items: readonly unknown[] }, heading: string): Generator<ConfigEntry> {
    if (!isMap(map)) return;
    for (const pair of map.items) {
      const key = pair.key as Node;
      const word = isScalar(key) ? String(key.value) : String(key);
      const name = camel(heading === '' ? word : `${heading}-${word}`);
      const node = pair.value as ParsedNode | null;
      const where = lineOf(key.range?.[0] ?? 0);
      if (isMap(node) && !isMapOption(name)) {
        yield* entries(node as ParsedNode & { items: readonly unknown[] }, name);
      } else {
        const source = isScalar(node) ? (node as { source?: string }).source : undefined;
        yield { name, value: plainValue(node, where), source, where };
      }
    }
  }
}
