/**
 * What a folder of a teacher's answers says of the teacher, a small JSON file for each: enough to train from the answers
 * on a machine that has never seen the model.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, DataError, hashWords, writeFileAtomic } from '@gimbal/tensor-core';

/** What a trainer asks of a teacher before it asks about completions. */
export interface KeptTeacher {
  /** what its answers are named after */
  identity: string;
  /** of its vocabulary */
  tokenizerHash: string;
  /** V */
  vocabSize: number;
}

const named = (dir: string, { identity, tokenizerHash }: KeptTeacher): string => {
  const text = `${identity} ${tokenizerHash}`;
  return join(
    dir,
    `teacher-${hashWords(
      Array.from(text, (c) => c.codePointAt(0) as number),
      2,
    )}.json`,
  );
};

/** Writes what the teacher says of itself; whole or not at all. */
export async function keepTeacher(dir: string, kept: KeptTeacher): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFileAtomic(named(dir, kept), new TextEncoder().encode(`${JSON.stringify(kept, null, 2)}\n`));
}

/**
 * The teacher that a folder has answers of.
 * @param identity which, where there are several
 * @throws DataError where the folder names no teacher or a file of it is damaged; ConfigError for an identity that is not
 * there, or none where there are several
 */
export async function keptTeacher(dir: string, identity: string | undefined): Promise<KeptTeacher> {
  const all: KeptTeacher[] = [];
  for (const file of (await filesOf(dir)).filter((name) => /^teacher-\w+\.json$/.test(name)).sort())
    all.push(parsed(join(dir, file), await readFile(join(dir, file), 'utf8')));
  const found = identity === undefined ? all : all.filter((kept) => kept.identity === identity);
  const [first] = found;
  if (all.length === 0)
    throw new DataError({
      ...{ where: dir, what: 'no teacher’s answers are kept here', wanted: 'a folder that cachedTeacher filled' },
      fix: 'Fill it where the teacher is: fillTeacherCache, or a training with cachedTeacher',
    });
  if (first !== undefined && found.length === 1) return first;
  throw new ConfigError({
    where: 'openTeacherCache, identity',
    what:
      first === undefined ? 'answers of another teacher are kept here' : 'answers of several teachers are kept here',
    ...{ got: identity ?? 'none', wanted: `one of ${all.map((kept) => kept.identity).join(', ')}` },
  });
}

async function filesOf(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
}

function parsed(where: string, text: string): KeptTeacher {
  let kept: Partial<KeptTeacher> | null = null;
  try {
    kept = JSON.parse(text) as Partial<KeptTeacher> | null;
  } catch {
    // told below, with what else may be wrong
  }
  const { identity, tokenizerHash, vocabSize } = kept ?? {};
  if (typeof identity === 'string' && typeof tokenizerHash === 'string' && Number.isSafeInteger(vocabSize))
    return { identity, tokenizerHash, vocabSize: vocabSize as number };
  throw new DataError({
    ...{ where, what: 'it does not say which teacher it is of', wanted: 'identity, tokenizerHash and vocabSize' },
    fix: 'Remove it, and fill the cache again',
  });
}
