// The average of model folders as one plain folder, with what it is made of beside it in `warm.json`: what was trained
// anywhere, by whatever trainer.
import { join, relative, sep } from 'node:path';
import { ConfigError, resolveShares, writeFileDurable } from '@gimbal/tensor-core';
import { type AverageOptions, checkMembers, type Lineage } from './members.ts';
import { mergeFolders } from './merge-folders.node.ts';
import { sameWeights } from './same-weights.node.ts';
import type { MemberFolder, WarmRecord } from './warm-record.node.ts';

/**
 * Averages model folders into a new one, which transformers opens as any of them.
 * @param out only another model's folder is replaced
 * @param o weights and how they are normalised; its `beside` writes more into the folder before it appears
 * @returns what was written to `warm.json`
 * @throws ConfigError for fewer than two members or weights that make no sense; CheckpointError naming the first thing that
 * differs: an entry of config.json, the tokenizer, the pretraining, or a tensor. Nothing is written then
 */
export async function averageFolders(
  members: readonly MemberFolder[],
  out: string,
  { weights, normalize, beside, ...o }: AverageOptions & { beside?(temporary: string): Promise<unknown> } = {},
): Promise<WarmRecord> {
  const lineages = members.flatMap(({ lineage }) => (lineage ? [{ lineage }] : []));
  // those whose pretraining is known must share it, whatever the others are
  checkMembers(lineages.length >= 2 ? lineages : members.map(unknownLineage), {
    ...o,
    ...(weights && { weights }),
  });
  if (weights && weights.length !== members.length) {
    const what = 'one weight per member is needed';
    throw new ConfigError({ where: 'average.weights', what, got: weights.length, wanted: members.length });
  }
  const recipe = { method: 'linear' as const, ...(weights && { weights }), ...(normalize && { normalize }) };
  const { weights: shares, note } = resolveShares(members.length, recipe);
  const fromOut = (folder: string): string => relative(out, folder).split(sep).join('/');
  const warnings = await twinsOf(members.map((m) => m.folder));
  const record: WarmRecord = {
    members: members.map((m, i) => ({ ...m, folder: fromOut(m.folder), weight: shares[i] as number })),
    note,
    ...(warnings.length > 0 && { warnings }),
  };
  await mergeFolders(
    members.map((m) => m.folder),
    recipe,
    out,
    {
      async beside(temporary) {
        await writeFileDurable(join(temporary, 'warm.json'), `${JSON.stringify(record, null, 2)}\n`);
        await beside?.(temporary);
      },
    },
  );
  return record;
}

/** A sentence for each folder whose weights an earlier one has; folders that cannot be read are left to the merging. */
async function twinsOf(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const [i, folder] of folders.entries()) {
    for (const earlier of folders.slice(0, i)) {
      if (!(await sameWeights(earlier, folder).catch(() => false))) continue;
      found.push(`${folder} has the very weights of ${earlier}: it adds no diversity`);
      break;
    }
  }
  return found;
}

const unknownLineage = (_: unknown, run: number): { lineage: Lineage } => ({ lineage: { pretrainId: '', run } });
