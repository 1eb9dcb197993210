// Model folders merged into one that opens as any of them: their tensors by a recipe, and what decides what tensors mean
// (architecture, tokenizer) once. Tensors are read and written in pieces, so members may be larger than memory.
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FileDtype, replaceModelFolder } from '@gimbal/language-models';
import {
  CheckpointError,
  firstDifference,
  type MergeRecipe,
  type MergeReport,
  mergeFiles,
  writeFileDurable,
} from '@gimbal/tensor-core';

/** How a merged folder is written. */
export interface MergeFoldersOptions {
  /** How the weights are held (as in the members). */
  dtype?: FileDtype;
  /** Writes more files into the folder before it appears. */
  beside?(temporary: string, report: MergeReport): Promise<unknown>;
}

/** Files that members have to agree on. */
const [configFile, tokenizerFile] = ['config.json', 'tokenizer.json'];
/** Files of the first member that go into the merged folder too. */
const copied = [
  tokenizerFile,
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'generation_config.json',
  'modules.json',
  'sentence_bert_config.json',
  '1_Pooling/config.json',
  'reward.json',
];

const dtypes = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' } as const;

/**
 * Merges model folders of any architecture, heads included, into a new one.
 * @param folders at least two
 * @param out only another model's folder is replaced
 * @returns what was written, with the weights that were used
 * @throws ConfigError for shares that make no sense; CheckpointError naming the first thing that differs from the first
 * member's: a tensor, an entry of config.json, the tokenizer; or a tensor that is not finite. Nothing is written then
 * @example await mergeFolders(['run-0', 'run-1'], { method: 'linear', weights: [0.7, 0.3] }, 'merged');
 */
export async function mergeFolders(
  folders: readonly string[],
  recipe: MergeRecipe,
  out: string,
  { dtype, beside }: MergeFoldersOptions = {},
): Promise<MergeReport> {
  const read = (name: string): Promise<(string | undefined)[]> =>
    Promise.all(folders.map((folder) => textOf(join(folder, name))));
  const configs = (await read(configFile)).map((text, i) => parsed(text, join(folders[i] as string, configFile)));
  const tokenizers = await read(tokenizerFile);
  let report: MergeReport | undefined;
  await replaceModelFolder(out, async (temporary) => {
    report = await mergeFiles(folders, recipe, temporary, {
      ...(dtype && { dtype: dtypes[dtype] }),
      // after the tensors' names and shapes, which say more
      check() {
        for (const [i, folder] of folders.entries()) {
          refuseOtherConfig(configs[0] as Json, configs[i] as Json, folder);
          refuseOtherTokenizer(tokenizers, i, folders);
        }
      },
    });
    const config = { ...configs[0], ...(dtype && { dtype, torch_dtype: dtype }) };
    await writeFileDurable(join(temporary, configFile), `${JSON.stringify(config, null, 2)}\n`);
    for (const name of copied) {
      const text = await textOf(join(folders[0] as string, name));
      if (text === undefined) continue;
      const target = join(temporary, name);
      await mkdir(dirname(target), { recursive: true });
      await writeFileDurable(target, name === 'reward.json' ? unmeasured(text) : text);
    }
    await beside?.(temporary, report);
  });
  return report as unknown as MergeReport;
}

type Json = { [key: string]: unknown };

function parsed(text: string | undefined, where: string): Json {
  if (text === undefined)
    throw new CheckpointError({ where, what: 'there is no config.json', fix: 'Name a model’s folder' });
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new CheckpointError({ where, what: 'not JSON', fix: 'The file is damaged: copy the folder again', cause });
  }
}

/** Whatever decides what the tensors mean; not how they are stored. */
function refuseOtherConfig(first: Json, other: Json, folder: string): void {
  const meaning = ({
    dtype: _,
    torch_dtype: __,
    transformers_version: ___,
    _name_or_path: ____,
    ...rest
  }: Json): Json => rest;
  const difference = firstDifference(meaning(other) as never, meaning(first) as never);
  if (difference === undefined) return;
  throw new CheckpointError({
    where: join(folder, configFile),
    what: `${difference.path} differs from the first member’s`,
    got: difference.saved ?? 'nothing',
    wanted: JSON.stringify(difference.wanted) ?? 'nothing',
    fix: 'Only models of one architecture can be merged',
  });
}

/** Tokens have to mean the same; how they are padded or written down may differ. */
function refuseOtherTokenizer(texts: readonly (string | undefined)[], i: number, folders: readonly string[]): void {
  const [first, other] = [texts[0], texts[i]];
  if (first === other) return;
  const where = join(folders[i] as string, tokenizerFile);
  const wanted = `that of ${folders[0]}`;
  const fix = 'The same number would be another token to each: models of one vocabulary can be merged';
  if (first === undefined || other === undefined) {
    const what = other === undefined ? 'there is none' : 'the first member has none';
    throw new CheckpointError({ where, what, wanted: 'one in each folder, or in none', fix: 'Copy it to the others' });
  }
  const meaning = (text: string, at: string): Json => {
    const { padding: _, truncation: __, ...rest } = parsed(text, at);
    return rest;
  };
  const difference = firstDifference(
    meaning(other, where) as never,
    meaning(first, join(folders[0] as string, tokenizerFile)) as never,
  );
  if (difference === undefined) return;
  throw new CheckpointError({ where, what: `it is another tokenizer: ${difference.path} differs`, wanted, fix });
}

/** A merged model has a scale of its own: what was measured on a member does not hold for it. */
function unmeasured(text: string): string {
  const { temperature: _, stats: __, ...kept } = JSON.parse(text) as Json;
  return `${JSON.stringify(kept, null, 2)}\n`;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new CheckpointError({ where: path, what: `the file cannot be read (${code})`, cause });
  }
}
