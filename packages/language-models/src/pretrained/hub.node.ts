// Models by their name on the hub, into the cache that Python's huggingface_hub keeps: what either has downloaded the
// other finds. The hub's protocol is @huggingface/hub's; what is added here is that a download goes on where it broke off,
// that files are checked against the hub's hashes, and that only the files a model is made of are fetched.
//
//   <cache>/models--<owner>--<name>/refs/<revision>, blobs/<etag>, snapshots/<commit>/<file> → blobs
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { CheckpointError, writeFileAtomic } from '@gimbal/tensor-core';
import { fetchBlob, type HubFile, stopped } from './hub-blob.node.ts';

/** Where a model is fetched from, and where it is kept. */
export interface HubOptions {
  /** A branch, a tag or a commit (`main`). */
  revision?: string;
  /** The cache's folder (HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub). */
  cacheDir?: string;
  /** The hub's address (HF_ENDPOINT, else https://huggingface.co). */
  hubUrl?: string;
  /** For models that are not public (HF_TOKEN). */
  token?: string;
  /** Told while a file comes: bytes that are there, bytes in all. */
  onProgress?(file: string, done: number, total: number): void;
  /** Stops it; what has come stays and is gone on from. */
  signal?: AbortSignal;
}

/** A model's name on the hub: an owner and a name, and for GGUF a file. */
const hubName = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/([\w.-]+\.gguf))?$/;

/** The files that a model is made of. Pickles are never fetched: opening one runs its code. */
const wanted =
  /^(?:(?:config|generation_config|tokenizer|tokenizer_config|special_tokens_map|modules|sentence_bert_config|adapter_config)\.json|chat_template\.jinja|[\w-]*[Pp]ooling\/config\.json|(?:adapter_)?model(?:-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json)$/;

/**
 * The path of a model: one that is there already, or a download from the hub.
 * @param path a folder or .gguf file, or a name such as `HuggingFaceTB/SmolLM2-135M` or `owner/name/file.gguf`
 * @throws as `downloadModel`
 */
export async function localModel(path: string, o: HubOptions = {}): Promise<string> {
  return existsSync(path) || !hubName.test(path) ? path : downloadModel(path, o);
}

/**
 * Downloads a model, or finds it in the cache. Without a network (or with `HF_HUB_OFFLINE=1`) the cache serves what it has,
 * by branch, tag or commit.
 * @param name `owner/name`, or `owner/name/file.gguf`
 * @returns the model's folder, or the path of the .gguf file
 * @throws CheckpointError for a name that the hub does not know, a hub that cannot be reached, or a file that came damaged;
 * StoppedError when the signal asks for it
 * @example const { model, params } = await loadPretrained(await downloadModel('HuggingFaceTB/SmolLM2-135M-Instruct'));
 */
export async function downloadModel(name: string, o: HubOptions = {}): Promise<string> {
  const match = hubName.exec(name);
  if (match === null) {
    throw new CheckpointError({
      where: name,
      what: 'no name of a model on the hub',
      wanted: 'owner/name, or owner/name/file.gguf',
    });
  }
  const [, repo = '', gguf] = match;
  const { revision = 'main' } = o;
  if (
    !/^[\w./-]+$/.test(revision) ||
    revision.split('/').some((part) => part === '..' || part === '' || part === '.')
  ) {
    throw new CheckpointError({
      where: name,
      what: 'no revision',
      got: revision,
      wanted: 'a branch, a tag or a commit',
    });
  }
  const hubUrl = o.hubUrl ?? process.env.HF_ENDPOINT ?? 'https://huggingface.co';
  const token = o.token ?? process.env.HF_TOKEN;
  const root = join(o.cacheDir ?? defaultCache(), `models--${repo.replace('/', '--')}`);
  if (isOffline()) {
    const cached = await cachedSnapshot(root, revision, gguf);
    if (cached !== undefined) return cached;
    const fix = 'Unset HF_HUB_OFFLINE to download it';
    throw new CheckpointError({ where: repo, what: `not in the cache at revision ${revision}`, got: root, fix });
  }
  const hub = await import('@huggingface/hub');
  const { signal } = o;
  const asked = {
    hubUrl,
    ...(token === undefined ? {} : { accessToken: token }),
    ...(signal && { fetch: ((input, init) => fetch(input, { ...init, signal })) as typeof fetch }),
  };
  const place = { repo: { type: 'model', name: repo } as const, ...asked };

  let commit: string;
  let files: HubFile[];
  try {
    const info = await hub.modelInfo({
      name: repo,
      revision,
      additionalFields: ['sha'],
      ...asked,
    });
    commit = info.sha;
    files = [];
    for await (const { type, path, size, oid, lfs, xetHash } of hub.listFiles({
      ...place,
      revision: commit,
      recursive: true,
    })) {
      const blob = lfs?.oid ?? xetHash ?? oid ?? '';
      const git = lfs === undefined && xetHash === undefined ? oid : undefined;
      if (type === 'file') files.push({ path, size: lfs?.size ?? size, blob, sha256: lfs?.oid, git });
    }
  } catch (cause) {
    if (signal?.aborted) throw stopped(repo);
    const cached = await cachedSnapshot(root, revision, gguf);
    // a hub that answers is right about what it has; one that is out of order is as if there were none
    const { statusCode = 500 } = cause as { statusCode?: number };
    if (cached !== undefined && statusCode >= 500) return cached;
    throw unreachable(repo, revision, hubUrl, cause);
  }
  const chosen = files.filter(({ path }) => (gguf === undefined ? wanted.test(path) : path === gguf));
  refuseIncomplete(repo, files, chosen, gguf);

  // what a hub says becomes a path here
  const strange = [commit, ...chosen.map(({ blob }) => blob)].find((hash) => !/^[0-9a-f]{40,64}$/.test(hash));
  if (strange !== undefined) {
    throw new CheckpointError({
      where: `${repo} on the hub`,
      what: 'no hash',
      got: strange,
      wanted: 'hexadecimal digits',
    });
  }
  const snapshot = join(root, 'snapshots', commit);
  for (const file of chosen) {
    const target = join(snapshot, file.path);
    if (existsSync(target)) continue;
    const blob = join(root, 'blobs', file.blob);
    if (!existsSync(blob)) {
      await fetchBlob(file, blob, o, async () => {
        const found = await hub.downloadFile({ ...place, path: file.path, revision: commit });
        if (found) return found;
        throw new CheckpointError({
          where: `${repo}/${file.path}`,
          what: 'the hub lists the file but does not have it',
        });
      });
    }
    await link(blob, target);
  }
  if (revision !== commit) {
    const ref = join(root, 'refs', revision);
    await mkdir(dirname(ref), { recursive: true });
    await writeFileAtomic(ref, commit);
  }
  return gguf === undefined ? snapshot : join(snapshot, gguf);
}

/** Python's switch: nothing is asked of the network. */
const isOffline = (): boolean => /^(?:1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '');

/** A link, or a copy where a system lets nobody link. */
async function link(blob: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  try {
    await symlink(relative(dirname(target), blob), target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'EPERM' && code !== 'ENOSYS') throw error;
    await copyFile(blob, target);
  }
}

const defaultCache = (): string =>
  process.env.HF_HUB_CACHE ?? join(process.env.HF_HOME ?? join(homedir(), '.cache', 'huggingface'), 'hub');

/** What an earlier download of this revision has left, if it is a whole model. */
async function cachedSnapshot(root: string, revision: string, gguf: string | undefined): Promise<string | undefined> {
  const commit = /^[0-9a-f]{40}$/.test(revision)
    ? revision
    : await readFile(join(root, 'refs', revision), 'utf8').catch(() => undefined);
  if (commit === undefined) return undefined;
  const folder = join(root, 'snapshots', commit.trim());
  if (gguf !== undefined) return existsSync(join(folder, gguf)) ? join(folder, gguf) : undefined;
  return existsSync(join(folder, 'config.json')) && (await hasWeights(folder)) ? folder : undefined;
}

/** Whether all weights are there: a download that was stopped leaves some of its files. */
async function hasWeights(folder: string): Promise<boolean> {
  if (['model.safetensors', 'adapter_model.safetensors'].some((name) => existsSync(join(folder, name)))) return true;
  try {
    const index = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8')) as {
      weight_map: { [tensor: string]: string };
    };
    return Object.values(index.weight_map).every((shard) => existsSync(join(folder, shard)));
  } catch {
    return false; // no index, or half of one: it is downloaded anew
  }
}

function refuseIncomplete(
  repo: string,
  all: readonly HubFile[],
  chosen: readonly HubFile[],
  gguf: string | undefined,
): void {
  const has = (pattern: RegExp): boolean => chosen.some(({ path }) => pattern.test(path));
  if (gguf !== undefined ? chosen.length > 0 : has(/safetensors$/) && has(/config\.json$/)) return;
  const files = all.map(({ path }) => path);
  const others = files.filter((path) => path.endsWith('.gguf'));
  throw new CheckpointError({
    where: `${repo} on the hub`,
    what: gguf === undefined ? 'the repository holds no model in safetensors' : `the repository has no ${gguf}`,
    got: (others.length > 0 ? others : files).slice(0, 8).join(', ') || 'no files',
    wanted: 'config.json and model.safetensors, or a .gguf file',
    fix:
      others.length > 0
        ? `Name the file: ${repo}/${others[0]}`
        : 'Save it from Python with save_pretrained, which writes safetensors',
  });
}

function unreachable(repo: string, revision: string, hubUrl: string, cause: unknown): CheckpointError {
  const { statusCode } = cause as { statusCode?: number };
  const where = `${repo} (no folder or file here, and as a name on the hub)`;
  if (statusCode === 401 || statusCode === 403 || statusCode === 404) {
    const what = `the hub has no model of this name that may be read, or no revision ${revision}`;
    return new CheckpointError({
      where,
      what,
      got: statusCode,
      fix: 'Check the name; models that are not public need HF_TOKEN',
      cause,
    });
  }
  const what = `${hubUrl} cannot be reached: ${(cause as Error).message}`;
  return new CheckpointError({ where, what, fix: 'Check the path, or the connection', cause });
}
