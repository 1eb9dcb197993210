// The average of model folders as one plain folder, with what it is made of beside it in `warm.json`: what was trained
// anywhere, by whatever trainer. Tensors are read and written in pieces, so members may be larger than memory.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceModelFolder } from '@gimbal/language-models';
import {
  CheckpointError,
  ConfigError,
  firstDifference,
  mergeFiles,
  resolveShares,
  writeFileDurable,
} from '@gimbal/tensor-core';
import { type AverageOptions, checkMembers, type Lineage } from './members.ts';

/** A member on disk. */
export interface MemberFolder {
  /** A model's folder. */
  readonly folder: string;
  /** Where it comes from, as far as it is known. */
  readonly lineage?: Lineage;
  /** Accuracy on the selection pairs. */
  readonly selectionAccuracy?: number;
}

/** What `warm.json` says. */
export interface WarmRecord {
  /** The members, in the order of their weights. */
  readonly members: readonly (MemberFolder & { readonly weight: number })[];
  /** Which weights were used, and whether they were normalised. */
  readonly note: string;
}

/**
 * Averages model folders into a new one, which transformers opens as any of them.
 * @param out only another model's folder is replaced
 * @returns what was written to `warm.json`
 * @throws ConfigError for fewer than two members or weights that make no sense; CheckpointError naming the first thing that
 * differs: an entry of config.json, the tokenizer, the pretraining, or a tensor. Nothing is written then
 */
export async function averageFolders(
  members: readonly MemberFolder[],
  out: string,
  { weights, normalize, ...o }: AverageOptions = {},
): Promise<WarmRecord> {
  const lineages = members.flatMap(({ lineage }) => (lineage ? [{ lineage }] : []));
  checkMembers(lineages.length === members.length ? lineages : members.map(unknownLineage), {
    ...o,
    ...(weights && { weights }),
  });
  if (weights && weights.length !== members.length) {
    const what = 'one weight per member is needed';
    throw new ConfigError({ where: 'average.weights', what, got: weights.length, wanted: members.length });
  }
  const files = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'reward.json'];
  const texts = await Promise.all(members.map(({ folder }) => Promise.all(files.map((f) => textOf(join(folder, f))))));
  const [first, ...others] = texts as [(string | undefined)[], ...(string | undefined)[][]];
  let record: WarmRecord | undefined;
  await replaceModelFolder(out, async (temporary) => {
    const recipe = { method: 'linear' as const, ...(weights && { weights }), ...(normalize && { normalize }) };
    const { note } = await mergeFiles(
      members.map((m) => m.folder),
      recipe,
      temporary,
    );
    // after the tensors, whose names and shapes say more
    others.forEach((other, i) => {
      const { folder } = members[i + 1] as MemberFolder;
      refuseOtherConfig(first[0], other[0], folder);
      if (first[1] === other[1]) return;
      const wanted = `that of ${members[0]?.folder}`;
      throw new CheckpointError({ where: join(folder, 'tokenizer.json'), what: 'it is another tokenizer', wanted });
    });
    const { weights: shares } = resolveShares(members.length, recipe);
    record = { members: members.map((m, i) => ({ ...m, weight: shares[i] as number })), note };
    for (const [i, name] of files.entries()) {
      const text = first[i];
      if (text !== undefined)
        await writeFileDurable(join(temporary, name), name === 'reward.json' ? unmeasured(text) : text);
    }
    await writeFileDurable(join(temporary, 'warm.json'), `${JSON.stringify(record, null, 2)}\n`);
  });
  return record as unknown as WarmRecord;
}

const unknownLineage = (_: unknown, run: number): { lineage: Lineage } => ({ lineage: { pretrainId: '', run } });

/** An average has a scale of its own: what was measured on a member does not hold for it. */
function unmeasured(text: string): string {
  const { temperature: _, stats: __, ...kept } = JSON.parse(text) as Record<string, unknown>;
  return `${JSON.stringify(kept, null, 2)}\n`;
}

/** Whatever decides what the tensors mean; not how they are stored. */
function refuseOtherConfig(first: string | undefined, other: string | undefined, folder: string): void {
  const read = (text: string | undefined, where: string): Record<string, unknown> => {
    if (text === undefined)
      throw new CheckpointError({ where, what: 'there is no config.json', fix: 'Name a model’s folder' });
    const { dtype: _, torch_dtype: __, transformers_version: ___, _name_or_path: ____, ...rest } = JSON.parse(text);
    return rest as Record<string, unknown>;
  };
  const where = join(folder, 'config.json');
  const [a, b] = [read(first, 'the first member'), read(other, where)];
  const difference = firstDifference(b as never, a as never);
  if (difference === undefined) return;
  throw new CheckpointError({
    where,
    what: `${difference.path} differs from the first member’s`,
    got: difference.saved ?? 'nothing',
    wanted: JSON.stringify(difference.wanted) ?? 'nothing',
    fix: 'Only models of one architecture can be averaged',
  });
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CheckpointError({
      where: path,
      what: `the file cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      cause,
    });
  }
}
