// Recordings of `gimbal control record` and `view`: an environment is stepped, and what its name says is written.
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { Film, Recording, RecordPolicy } from '@gimbal/control-envs';
import { ConfigError, type Env, StoppedError, writeDirectoryAtomic, writeFileAtomic } from '@gimbal/tensor-core';
import type { Output } from '../cli/output.ts';
import { Progress } from '../cli/progress.ts';
import { refuseUnwritable, refuseUnwritableFolder } from '../run/out-file.ts';

/** What is recorded. */
export interface Take {
  env: Env;
  steps: number;
  seed: number;
  policy: RecordPolicy;
}

/** How it is recorded. */
export interface Studio {
  output: Output;
  /** stops it after a step: what was recorded by then is written */
  signal: AbortSignal;
  /** width and height of pictures */
  size: number;
  /** whether it is a page, whatever the file is called */
  page: boolean;
}

const kinds = ['.json', '.html', '.gif', '.apng', '.png', ''];
/** pixels of all pictures of a film: it is kept in memory, compressed, until it is whole */
const mostPixels = 2 ** 31;
/** films of at most 30 frames a second: GIF cannot show more */
const filmRate = 30;
const breatheMs = 50;

/**
 * Refuses what cannot be written, before any work.
 * @throws ConfigError
 */
export async function refuseTarget(out: string): Promise<void> {
  const where = 'gimbal control record --out';
  if (!kinds.includes(extname(out))) {
    const wanted = '.json, .html, .gif, .apng, or a folder for .png frames';
    throw new ConfigError({ where, what: 'no such kind of file', got: out, wanted });
  }
  const folder = folderOf(out);
  if (folder === undefined) return refuseUnwritable('control record', out);
  if ((await stat(folder).catch(() => undefined)) !== undefined) {
    throw new ConfigError({ where, what: 'it exists', got: folder, fix: 'Name a folder that does not' });
  }
  let parent = dirname(folder);
  while ((await stat(parent).catch(() => undefined)) === undefined) parent = dirname(parent);
  await refuseUnwritableFolder('control record', out, parent);
}

/** The folder of single pictures; undefined for a file. */
function folderOf(out: string): string | undefined {
  const kind = extname(out);
  return kind === '.png' ? out.slice(0, -kind.length) : kind === '' ? out : undefined;
}

/**
 * Records and writes.
 * @returns the recording, and the file or folder
 * @throws StoppedError when the signal asked for it, after what was recorded by then is written
 */
export async function recordTo(
  out: string,
  take: Take,
  studio: Studio,
): Promise<{ recording: Recording; file: string }> {
  const folder = studio.page ? undefined : folderOf(out);
  const file = folder ?? out;
  const isFilm = !studio.page && ['.gif', '.apng'].includes(extname(out));
  const write = folder !== undefined ? toFolder : isFilm ? toFilm : toFile;
  const recording = await write(file, take, studio);
  if (studio.signal.aborted && recording.rewards.length < take.steps) {
    const what = `stopped after ${recording.rewards.length} of ${take.steps} steps, which are in ${file}`;
    throw new StoppedError({ where: 'gimbal control', what });
  }
  return { recording, file };
}

async function toFile(file: string, take: Take, studio: Studio): Promise<Recording> {
  const recording = await film(take, studio);
  const { viewerHtml } = await import('@gimbal/control-envs');
  const isPage = studio.page || extname(file) === '.html';
  await writeFileAtomic(file, isPage ? await viewerHtml(recording) : `${JSON.stringify(recording)}\n`);
  return recording;
}

async function toFilm(file: string, take: Take, studio: Studio): Promise<Recording> {
  const { ApngFilm, GifFilm } = await import('@gimbal/control-envs');
  const { size } = studio;
  let pictures: Film | undefined;
  const recording = await film(take, studio, (rgb, { every, seconds }) => {
    pictures ??= new (file.endsWith('.gif') ? GifFilm : ApngFilm)(size, size, seconds * every);
    pictures.add(rgb);
  });
  if (pictures !== undefined) await writeFileAtomic(file, pictures.finish());
  return recording;
}

async function toFolder(folder: string, take: Take, studio: Studio): Promise<Recording> {
  const { encodePng } = await import('@gimbal/control-envs');
  const { size } = studio;
  await mkdir(dirname(folder), { recursive: true });
  let recording: Recording | undefined;
  await writeDirectoryAtomic(folder, async (temporary) => {
    const onPicture: OnPicture = (rgb, { frame }) =>
      writeFile(join(temporary, `frame-${String(frame).padStart(5, '0')}.png`), encodePng(rgb, size, size));
    recording = await film(take, studio, onPicture, true);
  });
  return recording as Recording;
}

/** Gets each picture, which the next one overwrites; every how many frames there is one, and how long a frame is. */
type OnPicture = (rgb: Uint8Array, at: { frame: number; every: number; seconds: number }) => unknown;

/** @param onPicture left out: no pictures are drawn; `all`: of every frame */
async function film(take: Take, studio: Studio, onPicture?: OnPicture, all = false): Promise<Recording> {
  const { EpisodeRecorder } = await import('@gimbal/control-envs');
  const { env, steps, seed, policy } = take;
  const { output, signal, size } = studio;
  const recorder = new EpisodeRecorder(env, { steps, seed, policy });
  const seconds = recorder.frameSeconds;
  const every = all ? 1 : Math.max(1, Math.round(1 / filmRate / seconds));
  const count = Math.floor(steps / every) + 1;
  if (onPicture !== undefined && !all && count * size * size > mostPixels) {
    throw new ConfigError({
      where: 'gimbal control record',
      what: `too many pictures of ${size} × ${size} for one film`,
      got: count,
      wanted: `at most ${Math.floor(mostPixels / size / size)}`,
      fix: 'Take fewer --steps, a smaller --size, a folder of .png, or .html',
    });
  }
  const progress = new Progress(output, 'recording');
  const rgb = new Uint8Array(3 * size * size);
  let rested = performance.now();
  do {
    const frame = recorder.taken;
    if (onPicture !== undefined && frame % every === 0) {
      await onPicture(recorder.render({ width: size, height: size, out: rgb }), { frame, every, seconds });
    }
    // the steps do not wait for anything: Ctrl-C is heard in between
    if (performance.now() - rested > breatheMs) {
      progress.update({ step: frame, total: steps });
      await new Promise((resolve) => setImmediate(resolve));
      rested = performance.now();
    }
  } while (!signal.aborted && recorder.advance());
  return recorder.finish();
}
