// WARM (Ramé et al., arXiv 2401.12187): reward models, preference models or classifiers fine-tuned from one pretraining that
// differ in data order, learning rate, dropout and starting checkpoint, ranked, and averaged in weight space into one plain
// checkpoint.
//
// A run's folder has warm-config.json (what decides the members), head.safetensors (the probed head), members/run-i (models;
// member.json says that it is done, and how good it is, metrics.jsonl how it learnt), runs/run-i (checkpoints of a run that was
// stopped) and model/, the average, with warm.json. A run that was killed goes on where it was: finished members are kept.
// Nothing of one run is another's, so several processes may train different runs of one folder at a time.
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadClassifier } from '@gimbal/language-models';
import {
  CheckpointError,
  ConfigError,
  checkConfig,
  disposeTree,
  latestCheckpoint,
  openSafetensors,
  type Params,
  readSafetensors,
  type TrainStep,
  writeFileAtomic,
  writeSafetensors,
} from '@gimbal/tensor-core';
import { headOf, linearProbe, withHead } from '../training/linear-probe.ts';
import { averageFolders } from './average-folders.node.ts';
import { hashOf } from './hash-of.node.ts';
import { type MemberKind, memberKind } from './member-kinds.node.ts';
import { fingerprint, greedySoup, type MemberSource, rankMembers } from './members.ts';
import { checkWarmOptions, type RunSettings, runSettings, type WarmOptions } from './warm-options.ts';
import { type MemberFolder, readWarmRecord, type WarmRecord } from './warm-record.node.ts';

/** What a WARM run yields: a step of a run, a member that is done, or the average. */
export interface WarmStep {
  /** What happened. */
  readonly phase: 'run' | 'member' | 'averaged';
  /** Number of the run; absent for the average. */
  readonly run?: number;
  /** Updates of the run that are done. */
  readonly step?: number;
  /** Of a step: the mean loss of its rows. */
  readonly loss?: number;
  /** Of a step, where the trainer tells it: the share of its rows that is right. */
  readonly accuracy?: number;
  /** Of a member or the average: accuracy on the selection rows. */
  readonly selectionAccuracy?: number;
  /** Of the average: its members' runs, in the order of their accuracy. */
  readonly members?: readonly number[];
  /** Of the average: members that add nothing, or a greedy soup of one member. */
  readonly warnings?: readonly string[];
}

/** `fingerprint` names the member's weights. */
type Done = Required<Pick<MemberFolder, 'lineage' | 'selectionAccuracy'>> & { readonly fingerprint?: string };

/** Trains, ranks and averages members; everything it makes is in its folder. */
export class WarmTrainer {
  readonly #o: WarmOptions;
  readonly #kind: MemberKind;

  /** @throws ConfigError for options, DataError for rows that cannot be used, before anything is made */
  constructor(options: WarmOptions) {
    checkWarmOptions(options);
    this.#o = options;
    this.#kind = memberKind(options);
  }

  /** The folder of the average, when `train` has ended. */
  get model(): string {
    return join(this.#o.out, 'model');
  }

  /**
   * Trains what is missing, then averages. Called again on the same folder it goes on: finished members are read, a stopped
   * run continues from its checkpoint and gives the numbers it would have given.
   * @param o.only numbers of runs to train in this process; the average is left to a call without it
   * @throws CheckpointError where the folder is of another configuration, ConfigError for a run that there is not
   */
  async *train(o: { signal?: AbortSignal; only?: readonly number[] } = {}): AsyncGenerator<WarmStep> {
    const { signal, only } = o;
    const { out } = this.#o;
    await mkdir(out, { recursive: true });
    const done = await this.#readDone();
    await this.#checkFolder();
    const settings = runSettings(this.#o).filter(({ run }) => only?.includes(run) ?? true);
    const unknown = only?.find((run) => !settings.some((one) => one.run === run));
    if (unknown !== undefined) {
      const wanted = `0 to ${this.#o.runs - 1}`;
      throw new ConfigError({ where: 'WarmTrainer.train only', what: 'there is no such run', got: unknown, wanted });
    }
    let starts: readonly Params[] | undefined;
    try {
      for (const run of settings) {
        if (done.has(run.run)) continue;
        if (signal?.aborted) return;
        starts ??= await this.#starts(signal);
        const found = yield* this.#trainRun(run, starts[run.start] as Params, signal);
        if (found === undefined) return; // stopped
        const { learningRate, dropout, start } = run;
        const lineage = {
          pretrainId: await this.#pretrainId(),
          run: run.run,
          learningRate,
          dropout,
          ...(this.#o.init.kind === 'baklava' && { start }),
        };
        const member = { lineage, ...found };
        done.set(run.run, member);
        await this.#writeDone(member);
        yield { phase: 'member', run: run.run, selectionAccuracy: found.selectionAccuracy };
      }
    } finally {
      for (const tree of starts ?? []) disposeTree(tree);
    }
    if (only === undefined) yield await this.#average(done);
  }

  /** Drains `train`. */
  async run(o: { signal?: AbortSignal } = {}): Promise<WarmStep | undefined> {
    let last: WarmStep | undefined;
    for await (const step of this.train(o)) last = step;
    return last;
  }

  async *#trainRun(
    run: RunSettings,
    params: Params,
    signal?: AbortSignal,
  ): AsyncGenerator<WarmStep, Pick<Done, 'selectionAccuracy' | 'fingerprint'> | undefined> {
    const { out, stepsPerRun } = this.#o;
    const logs = join(out, 'runs', `run-${run.run}`);
    const from = (await latestCheckpoint(logs).catch(absent)) && logs;
    if (from === undefined) await rm(logs, { recursive: true, force: true });
    using trainer = await this.#kind.train({ ...run, params, out: logs }, from);
    for await (const s of trainer.train({ steps: stepsPerRun, ...(signal && { signal }) })) {
      const { step, loss, accuracy } = s as TrainStep & { accuracy?: number };
      yield { phase: 'run', run: run.run, step, loss, ...(accuracy === undefined ? {} : { accuracy }) };
    }
    if (trainer.step < stepsPerRun) return undefined;
    const whole = trainer.model?.();
    try {
      const own = whole ?? trainer.params;
      const selectionAccuracy = await this.#kind.rank(own);
      await this.#kind.save(this.#memberFolder(run.run), own);
      // the member is kept with the log of its training, its optimiser is not
      await rename(join(logs, 'metrics.jsonl'), join(this.#memberFolder(run.run), 'metrics.jsonl')).catch(absent);
      await rm(logs, { recursive: true, force: true });
      return { selectionAccuracy, fingerprint: fingerprint(own) };
    } finally {
      if (whole) disposeTree(whole);
    }
  }

  /** The trees that runs start from, with one head: probed on the features of the last checkpoint. */
  async #starts(signal?: AbortSignal): Promise<Params[]> {
    const { init, probe = true } = this.#o;
    const trees = init.kind === 'shared' ? [init.params] : init.checkpoints;
    if (!probe) return trees.map((tree) => withHead(tree, trees.at(-1) as Params));
    const probed = await this.#probed(trees.at(-1) as Params, signal);
    try {
      return trees.map((tree) => withHead(tree, probed));
    } finally {
      disposeTree(probed);
    }
  }

  /** A tree with the probed head, which is made once: it takes a pass over all rows. */
  async #probed(start: Params, signal?: AbortSignal): Promise<Params> {
    const { model, tokenizer, data, maxLength, overflow, out } = this.#o;
    const file = join(out, 'head.safetensors');
    if ((await stat(file).catch(absent)) !== undefined) {
      return await readSafetensors(file).catch(damaged(file, 'Delete it: going on probes the head anew'));
    }
    const probed = await linearProbe(model, start, tokenizer, data, {
      ...(signal && { signal }),
      ...(maxLength === undefined ? {} : { maxLength }),
      ...(overflow && 'classifier' in model && { overflow }), // rows of classifiers are cut
    });
    await writeSafetensors(file, headOf(probed));
    return probed;
  }

  async #average(done: ReadonlyMap<number, Done>): Promise<WarmStep> {
    const { members = 'all' } = this.#o;
    const all = [...done.values()].map((d): Done & MemberSource & MemberFolder => {
      const folder = this.#memberFolder(d.lineage.run);
      return { ...d, folder, name: `run ${d.lineage.run}`, load: async () => (await loadClassifier(folder)).params };
    });
    const evaluate = (params: Params): Promise<number> => this.#kind.rank(params);
    const ranked = rankMembers(all);
    let chosen =
      members === 'greedy' ? await greedySoup(all, evaluate) : ranked.slice(0, members === 'all' ? undefined : members);
    const warnings: string[] = [];
    if (chosen.length < 2) {
      // a soup of one is that member; an average needs two
      chosen = ranked.slice(0, 2);
      const [first, second] = chosen.map((m) => m.lineage.run);
      warnings.push(`no member helps run ${first}, the best: it is averaged with run ${second} all the same`);
    }
    const kept = chosen.map((m) => ({
      folder: m.folder,
      lineage: m.lineage,
      selectionAccuracy: m.selectionAccuracy,
      ...(m.fingerprint !== undefined && { fingerprint: m.fingerprint }),
    }));
    let selectionAccuracy = Number.NaN;
    await averageFolders(kept, this.model, {
      beside: async (temporary) => {
        const { params } = await loadClassifier(temporary);
        try {
          selectionAccuracy = await evaluate(params);
          await this.#noteStats(temporary, params);
        } finally {
          disposeTree(params);
        }
      },
    });
    for (const [i, m] of kept.entries()) {
      const twin = kept.slice(0, i).find((other) => m.fingerprint !== undefined && other.fingerprint === m.fingerprint);
      if (twin === undefined) continue;
      const runs = `runs ${twin.lineage.run} and ${m.lineage.run}`;
      warnings.push(`${runs} are the same to the bit: they add no diversity`);
    }
    return {
      phase: 'averaged',
      members: kept.map((m) => m.lineage.run),
      selectionAccuracy,
      ...(warnings.length > 0 && { warnings }),
    };
  }

  /** An average has a scale of its own: its scores are measured anew. */
  async #noteStats(folder: string, params: Params): Promise<void> {
    if (!this.#kind.stats) return;
    const stats = await this.#kind.stats(params).catch((error: { code?: string }) => {
      if (error.code === 'ERR_DATA') return undefined; // all scores are equal: there is no scale
      throw error;
    });
    if (!stats) return;
    const path = join(folder, 'reward.json');
    const notes = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFileAtomic(path, `${JSON.stringify({ ...notes, stats }, null, 2)}\n`);
  }

  /** `readWarmRecord` of the average. @throws CheckpointError where there is none yet */
  record(): Promise<WarmRecord> {
    return readWarmRecord(this.model);
  }

  #memberFolder(run: number): string {
    return join(this.#o.out, 'members', `run-${run}`);
  }

  #id: string | undefined;
  async #pretrainId(): Promise<string> {
    const { pretrainId, init } = this.#o;
    this.#id ??= pretrainId ?? fingerprint(init.kind === 'shared' ? init.params : (init.checkpoints.at(-1) as Params));
    return this.#id;
  }

  #rows: { data: string; selection: string } | undefined;
  /** of several checkpoints the name of each: the last alone is that of the pretraining */
  #startNames: 1 | readonly string[] | undefined;

  /**
   * What decides the members: another value belongs to another folder. Functions (schedules, `train`, `rank`) are left out,
   * and so is what only says how often is logged or saved.
   */
  async #config(): Promise<object> {
    const { grid, runs, stepsPerRun, seed, init, data, selection, probe = true } = this.#o;
    const { name: kind, classifier } = this.#kind;
    const { config: body, labels } = classifier;
    const pretrainId = await this.#pretrainId();
    this.#startNames ??= init.kind === 'shared' ? 1 : init.checkpoints.map(fingerprint);
    const starts = this.#startNames;
    const { batchSize, maxLength, overflow, labelSmoothing, centerCoef, lora } = this.#o;
    const { optimizer, accumulate, maxGradNorm, precision } = this.#o;
    const pairs = { batchSize, maxLength, overflow, labelSmoothing, centerCoef, lora };
    const training = { ...pairs, optimizer, accumulate, maxGradNorm, precision };
    const rows = data.rows.length;
    // other rows of the same number make other members; ranks are of the selection rows
    this.#rows ??= { data: hashOf(data.rows), selection: hashOf(selection.rows) };
    const all = { kind, grid, runs, stepsPerRun, seed, body, labels, starts, pretrainId, probe, rows };
    return { ...all, ...this.#rows, ...training };
  }

  /** The folder is that of one configuration from its first run on: its head, too, was probed for that one. */
  async #checkFolder(): Promise<void> {
    const path = join(this.#o.out, 'warm-config.json');
    const [text, config] = [await readFile(path, 'utf8').catch(absent), await this.#config()];
    if (text === undefined) await writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
    else checkConfig(parsed(text, path, 'Start a new run: what its members were trained with is lost'), config, path);
  }

  async #readDone(): Promise<Map<number, Done>> {
    const done = new Map<number, Done>();
    for (let run = 0; run < this.#o.runs; run++) {
      const [path, folder] = [this.#doneFile(run), this.#memberFolder(run)];
      const text = await readFile(path, 'utf8').catch(absent);
      if (text === undefined) continue;
      const fix = `Delete ${folder}: going on trains this run anew, and the others are kept`;
      const { config, ...member } = parsed<Done & { config: object }>(text, path, fix);
      checkConfig(config, await this.#config(), path);
      await checkMemberFolder(folder, fix);
      done.set(run, member);
    }
    return done;
  }

  async #writeDone(member: Done): Promise<void> {
    const json = { config: await this.#config(), ...member };
    await writeFileAtomic(this.#doneFile(member.lineage.run), `${JSON.stringify(json, null, 2)}\n`);
  }

  #doneFile(run: number): string {
    return join(this.#memberFolder(run), 'member.json');
  }
}

/** Its files are whole, as far as their headers tell: said before others are trained, not when all are averaged. */
async function checkMemberFolder(folder: string, fix: string): Promise<void> {
  const config = join(folder, 'config.json');
  parsed(await readFile(config, 'utf8').catch(damaged(config, fix)), config, fix);
  const file = await openSafetensors(folder).catch(damaged(folder, fix));
  await file.close();
}

/** @throws CheckpointError for what is no JSON */
function parsed<T>(text: string, where: string, fix: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new CheckpointError({ where, what: 'the file is damaged: it is not JSON', fix, cause });
  }
}

/** What is to be done about a file that cannot be read. */
const damaged =
  (where: string, fix: string) =>
  (cause: Partial<CheckpointError> & { code?: string }): never => {
    const { what = `the file cannot be read (${cause.code})`, got, wanted } = cause;
    throw new CheckpointError({ where: cause.where ?? where, what, got, wanted, fix, cause });
  };

/** A folder that is not there holds no checkpoint. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
