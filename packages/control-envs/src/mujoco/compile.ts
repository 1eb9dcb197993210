/** MJCF text (and the meshes and textures it names) to a model, with MuJoCo's own words on what is wrong. */
import { ConfigError, DataError, NumericalError } from '@gimbal/tensor-core';
import type { MjModel } from '@mujoco/mujoco';
import type { CompileOptions, PhysicsModel } from '../physics/contract.ts';
import { withListedContacts } from './listed-contacts.ts';
import { type Engine, loadMujoco, retireEngine } from './load.ts';
import { type ModelInfo, readModel } from './model-info.ts';
import { MujocoSimulation } from './simulation.ts';

/** A compiled model; any number of simulations run on it. */
export class CompiledModel implements PhysicsModel {
  /** Sizes, names and constants, copied out of the engine. */
  readonly info: ModelInfo;
  /** The text it was compiled from. */
  readonly mjcf: string;
  readonly #engine: Engine;
  readonly #simulations = new Set<MujocoSimulation>();
  #model: MjModel | undefined;

  constructor(engine: Engine, model: MjModel, mjcf: string) {
    this.#engine = engine;
    this.#model = model;
    this.mjcf = mjcf;
    this.info = readModel(model, mjcf);
  }

  /**
   * A new simulation in its default state.
   * @throws NumericalError if the engine's 2 GiB of memory do not hold it
   */
  simulate(): MujocoSimulation {
    if (this.#model === undefined) {
      throw new ConfigError({ where: `model ${this.info.name}`, what: 'used after close()', fix: 'Compile it again' });
    }
    const { mj } = this.#engine;
    this.#engine.takeMessages();
    try {
      const data = new mj.MjData(this.#model);
      const simulation: MujocoSimulation = new MujocoSimulation(mj, this.#model, data, this.info, () =>
        this.#simulations.delete(simulation),
      );
      this.#simulations.add(simulation);
      return simulation;
    } catch (cause) {
      throw outOfMemory(this.info.name, [...this.#engine.takeMessages(), String(cause)], cause);
    }
  }

  /** Frees the model, and closes what still runs on it; safe to call twice. */
  close(): void {
    for (const simulation of this.#simulations) simulation.close();
    this.#model?.delete();
    this.#model = undefined;
  }
}

/**
 * Compiles MJCF.
 * @throws DataError with MuJoCo's message, the file and the line; ConfigError for what is no text or no file;
 *   NumericalError for what the engine's memory does not hold
 * @example const model = await compileMjcf('<mujoco><worldbody>…</worldbody></mujoco>');
 */
export async function compileMjcf(
  mjcf: string,
  { source = 'MJCF', files }: CompileOptions = {},
): Promise<CompiledModel> {
  if (typeof mjcf !== 'string') {
    throw new ConfigError({ where: source, what: 'a model is given as text', got: mjcf, wanted: '<mujoco>…</mujoco>' });
  }
  for (const [path, bytes] of Object.entries(files ?? {})) {
    if (ArrayBuffer.isView(bytes)) continue;
    const [what, wanted] = [`files: ${path} has no bytes`, 'a Uint8Array'];
    throw new ConfigError({ where: source, what, got: bytes, wanted });
  }
  const engine = await loadMujoco();
  const { mj } = engine;
  engine.takeMessages();
  const vfs = files === undefined ? undefined : new mj.MjVFS();
  try {
    for (const [path, bytes] of Object.entries(files ?? {})) vfs?.addBuffer(path, bytes);
    const compile = (text: string): MjModel => {
      const made = vfs === undefined ? mj.MjModel.from_xml_string(text) : mj.MjModel.from_xml_string(text, vfs);
      if (made === null) throw new Error('no model');
      return made;
    };
    const model = withListedContacts(compile(mjcf), mjcf, compile);
    // states that diverge are ours to report: the engine would jump back to the start without a mark
    model.opt.disableflags |= autoresetOff;
    return new CompiledModel(engine, model, mjcf);
  } catch (error) {
    const text = String((error as { message?: unknown }).message ?? error);
    if (!text.startsWith(ownError)) {
      await retireEngine(engine);
      throw outOfMemory(source, [`it failed with: ${text}`], error);
    }
    throw compileError(text, source, mjcf, error);
  } finally {
    vfs?.delete();
  }
}

/** how every message about a model begins; anything else is a failure of the engine, such as of its allocator */
const ownError = 'MuJoCo Error';

/** mjDSBL_AUTORESET */
const autoresetOff = 1 << 16;

function compileError(text: string, source: string, mjcf: string, cause: unknown): DataError | NumericalError {
  const what = text
    .replace(/^MuJoCo Error: (Loading error: )?(XML )?(Error: )?/, '')
    .replaceAll(/\s*\n\s*/g, '; ')
    .replace(/[;\s]+$/, '');
  if (/memory/i.test(what) && !/attribute/.test(what)) return outOfMemory(source, [what], cause);
  const line = /line (\d+)/.exec(what)?.[1];
  const where = line === undefined ? source : `${source}:${line}`;
  const missing = /opening file '([^']+)'/.exec(what)?.[1];
  if (missing !== undefined) {
    const at = mjcf.split('\n').findIndex((row) => row.includes(missing.split('/').at(-1) as string));
    return new DataError({
      where: at < 0 ? source : `${source}:${at + 1}`,
      what: 'a file that the model names is missing',
      got: missing,
      fix: 'Pass it in files, or load the model with loadMjcf from its folder; paths are relative to the XML file',
      cause,
    });
  }
  return new DataError({ where, what: `MuJoCo says: ${what}`, cause });
}

function outOfMemory(name: string, messages: readonly string[], cause: unknown): NumericalError {
  return new NumericalError({
    where: `model ${name}`,
    what: `too large for the engine's memory of 2 GiB (${messages[0] ?? 'allocation failed'})`,
    fix: 'Lower <size memory="…"/>, or run fewer environments in one thread and more workers',
    cause,
  });
}
