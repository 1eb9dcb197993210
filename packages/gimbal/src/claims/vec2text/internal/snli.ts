// Sentences of SNLI (Bowman et al. 2015), of a folder that the user names: image captions, and what annotators wrote to
// follow from them or not.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, DataError, type Rng } from '@gimbal/tensor-core';

const files = ['snli_dev.jsonl', 'snli_test.jsonl'] as const;
/** words of a sentence */
const [shortest, longest] = [3, 16];

/** Sentences, lower-cased, each once. */
export interface Snli {
  /** of all lengths */
  distinct: number;
  train: string[];
  /** of premises that no sentence of `train` comes from, and never seen there */
  heldOut: string[];
}

/**
 * Reads both files and splits them by premise.
 * @param held sentences to hold out, about: whole premises are, and sentences that stand with another premise too are not
 * @throws ConfigError for a folder without them, DataError naming a line that is no pair
 */
export async function readSnli(folder: string, held: number, stream: Rng): Promise<Snli> {
  const byPremise = new Map<string, Set<string>>();
  const all = new Set<string>();
  for (const file of files)
    for (const [i, line] of (await readText(join(folder, file))).split('\n').entries()) {
      if (line === '') continue;
      const pair = pairOf(line, `${file}:${i + 1}`);
      const group = byPremise.get(pair[0]) ?? new Set();
      byPremise.set(pair[0], group);
      for (const sentence of pair) {
        all.add(sentence);
        const words = sentence.split(/\s+/).length;
        if (words >= shortest && words <= longest) group.add(sentence);
      }
    }
  const groups = stream.shuffle([...byPremise.values()]);
  const chosen = new Set<string>();
  let at = 0;
  while (chosen.size < held && at < groups.length) for (const s of groups[at++] as Set<string>) chosen.add(s);
  const train = new Set(groups.slice(at).flatMap((group) => [...group]));
  return { distinct: all.size, train: [...train], heldOut: [...chosen].filter((sentence) => !train.has(sentence)) };
}

function pairOf(line: string, where: string): [premise: string, hypothesis: string] {
  let row: { premise?: unknown; hypothesis?: unknown };
  try {
    row = JSON.parse(line) as typeof row;
  } catch (cause) {
    throw new DataError({ where, what: 'no JSON', got: line.slice(0, 80), cause });
  }
  const { premise, hypothesis } = row ?? {};
  if (typeof premise !== 'string' || typeof hypothesis !== 'string')
    throw new DataError({ where, what: 'no pair of sentences', wanted: 'premise and hypothesis' });
  return [plain(premise), plain(hypothesis)];
}

const plain = (text: string): string => text.trim().toLowerCase().replaceAll(/\s+/g, ' ');

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'the folder has no such file' : 'the file cannot be read';
    const wanted = `a folder with ${files.join(' and ')}`;
    throw new ConfigError({ where: 'gimbal reproduce --data', what, got: path, wanted, cause });
  });
}
