// `gimbal doctor --install`: refuse, say what it costs, ask, do it, try it.
import { ConfigError, nearest, userCache } from '@gimbal/tensor-core';
import { bytes } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { Progress } from '../cli/progress.ts';
import { confirm } from './ask.ts';
import { givenLibrary } from './given-library.ts';
import { existing, folderOf, type Grows, install, type Plan, removeLeftovers, type Step, sizeOf } from './install.ts';
import {
  buildOf,
  nvidiaDiskBytes,
  nvidiaDownloadBytes,
  type Target,
  tarballBytes,
  targets,
  tensorflow,
  wheelFor,
} from './recipe.ts';
import { refuse } from './refusals.ts';
import { type Smoke, smokeTest } from './smoke-test.ts';
import type { System } from './system.ts';

export interface InstallOptions {
  /** `node` or `node-gpu` */
  install: string;
  /** a TensorFlow library that the user has */
  tensorflow?: string | undefined;
  dryRun: boolean;
  yes: boolean;
}

export interface InstallContext {
  output: Output;
  signal: AbortSignal;
  /** the command's folder, src/ or dist/ */
  root: URL;
  system: System;
}

/** What was done, for a program. */
export interface InstallReport {
  target: Target;
  folder: string;
  downloadBytes: number;
  diskBytes: number;
  /** false after --dry-run or a no */
  installed: boolean;
  smoke?: Smoke;
}

/** @throws ConfigError for wrong usage; BackendError where the machine cannot, or what was installed does not work */
export async function runInstall(o: InstallOptions, context: InstallContext): Promise<InstallReport> {
  const { output, system, signal, root } = context;
  const target = targetOf(o.install);
  const cache = userCache();
  const given = o.tensorflow === undefined ? undefined : givenLibrary(o.tensorflow, target);
  const plan: Plan = { target, given, cache };
  const folder = folderOf(plan);
  const step = stepsOn(output);
  const smoke = (): ReturnType<typeof smokeTest> =>
    step('smoke test', () => smokeTest(folder, target, root, system, signal));
  const works = (found: Smoke, report: Omit<InstallReport, 'installed'>): InstallReport => {
    output.line(`${found.isa} works: gimbal align --backend ${target}`);
    output.line(`To remove it: ${removal(folder)}`);
    return { ...report, installed: true, smoke: found };
  };

  const there = await existing(plan);
  if (there !== undefined) {
    const report = { target, folder, downloadBytes: 0, diskBytes: there.bytes };
    output.line(`TensorFlow ${there.version} is in ${folder} already.`);
    if (o.dryRun) return { ...report, installed: true };
    const found = await smoke();
    if (!('error' in found)) return works(found, report);
    if (found.lack !== 'load') throw found.error;
    output.note(found.error.what);
    output.note('It is installed anew.');
  }
  const report = { target, folder, ...costOf(plan, system) };
  for (const note of await refuse({ target, linked: given !== undefined, cache }, system)) output.note(note);
  describe(plan, report, output);
  if (o.dryRun) return { ...report, installed: false };
  if (!o.yes && !(await confirm('Install it?', signal))) {
    output.line('Nothing was installed.');
    return { ...report, installed: false };
  }
  for (const left of await removeLeftovers(cache)) output.note(`removed ${left}, which a stopped install left`);
  await install(plan, system, step, signal);
  const found = await smoke();
  if ('error' in found) throw found.error;
  return works(found, report);
}

/** The command that removes an install. */
export const removal = (folder: string): string =>
  `rm -r ${/^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`}`;

function targetOf(name: string): Target {
  const known = targets.find((target) => target === name);
  if (known !== undefined) return known;
  const meant = nearest(name, targets);
  throw new ConfigError({
    where: 'gimbal doctor --install',
    what: 'nothing of that name can be installed',
    got: name,
    wanted: `one of ${targets.join(', ')}`,
    ...(meant !== undefined && { fix: `did you mean ${meant}?` }),
  });
}

function costOf({ target, given }: Plan, system: System): { downloadBytes: number; diskBytes: number } {
  if (given !== undefined) return { downloadBytes: tarballBytes, diskBytes: 3 * tarballBytes };
  const wheel = wheelFor(target, `${system.platform}-${system.arch}`);
  const cuda = buildOf(target) === 'cuda';
  return {
    downloadBytes: tarballBytes + (wheel?.downloadBytes ?? 0) + (cuda ? nvidiaDownloadBytes : 0),
    diskBytes: 3 * tarballBytes + (wheel?.diskBytes ?? 0) + (cuda ? nvidiaDiskBytes : 0),
  };
}

function describe(plan: Plan, costs: { downloadBytes: number; diskBytes: number }, output: Output): void {
  const { target, given } = plan;
  output.line(`${target}: TensorFlow ${given?.version ?? tensorflow} with the binding of @tensorflow/tfjs-node`);
  output.line(`  download  ${bytes(costs.downloadBytes)}, by your npm${given ? '' : ' and pip'}, checksums pinned`);
  output.line(`  disk      ${bytes(costs.diskBytes)} in ${folderOf(plan)}`);
  if (given !== undefined) output.line(`  library   linked from ${given.folder}`);
  if (buildOf(target) === 'cuda' && given === undefined) {
    output.line("  licence   CUDA and cuDNN come from NVIDIA's own packages, under NVIDIA's licence");
  }
}

const lookMs = 1000;

/** Each step is a line of progress; a download says how far it is. */
function stepsOn(output: Output): Step {
  return async (name, work, grows) => {
    const progress = new Progress(output, name);
    progress.update({ step: 0, text: '…' });
    const before = grows === undefined ? 0 : await sizeOf(grows.folder);
    let ended = false;
    const look = async ({ folder, bytes: all }: Grows): Promise<void> => {
      const got = (await sizeOf(folder)) - before;
      if (ended) return;
      progress.update({ step: 0, text: got < all ? `${bytes(got)} of ${bytes(all)}` : 'unpacking' });
    };
    const timer = grows && setInterval(() => void look(grows), lookMs);
    try {
      const result = await work().finally(() => {
        ended = true;
      });
      progress.done('');
      return result;
    } finally {
      clearInterval(timer);
    }
  };
}

/** Options that mean nothing without --install. @throws ConfigError */
export function refuseAlone(o: { tensorflow?: string | undefined; dryRun: boolean; yes: boolean }): void {
  const alone = o.tensorflow !== undefined ? '--tensorflow' : o.dryRun ? '--dry-run' : o.yes ? '--yes' : undefined;
  if (alone === undefined) return;
  const fix = 'gimbal doctor --install node, or node-gpu';
  throw new ConfigError({ where: `gimbal doctor ${alone}`, what: 'it goes with --install', fix });
}
