/** Environments by versioned id. */
import { ConfigError, type Env, nearest } from '@gimbal/tensor-core';
import { checkedEnv } from '../base/checked-env.ts';
import { checkScene } from '../composer/check-scene.ts';
import type { Scene } from '../composer/scene.ts';
import { type ClassicOptions, classicEnvs } from './classic.ts';
import { type MujocoOptionsById, mujocoEnvs } from './mujoco.ts';
import type { EnvRegistration } from './registration.ts';
import { type SceneOptionsById, sceneEnvs, sceneRegistration } from './scenes.ts';

/** Options of each id. A program that registers environments may add its own by declaration merging. */
export interface EnvOptionsById extends ClassicOptions, MujocoOptionsById, SceneOptionsById {}

/** A registered id: the editor offers the known ones, any other string may be a program's own. */
export type EnvId = keyof EnvOptionsById | (string & {});
/** The options of the environment with this id; any object where the id is not known to the compiler. */
export type EnvOptions<Id> = Id extends keyof EnvOptionsById ? EnvOptionsById[Id] : object;

const registered = new Map<string, EnvRegistration>(
  [...classicEnvs, ...mujocoEnvs, ...sceneEnvs].map((r) => [r.id, r]),
);

/**
 * Makes an environment known by its id. On worker threads the module that calls this is imported again
 * (`makeVectorEnv`'s `modules`).
 * @param registration its `make` is given every option of `defaults`, those that the caller leaves out by their default
 * @throws ConfigError for an id without a version, or one that is taken
 */
export function registerEnv(registration: EnvRegistration): void {
  const { id, make, defaults } = registration ?? {};
  if (!/^([\w.-]+\/)?[\w.-]+-v\d+$/.test(id)) {
    const wanted = 'Name-v0 or namespace/Name-v0';
    throw new ConfigError({ where: 'registerEnv', what: 'an id needs a name and a version', got: id, wanted });
  }
  if (registered.has(id)) {
    const fix = 'Results must stay comparable under one id: register a new version';
    throw new ConfigError({ where: 'registerEnv', what: 'the id is taken', got: id, fix });
  }
  const isComplete = typeof make === 'function' && typeof defaults === 'object' && defaults !== null;
  if (!isComplete) {
    const wanted = '{ id, summary, defaults: every option and its default, make(options) }';
    throw new ConfigError({ where: `registerEnv ${id}`, what: 'make or defaults are missing', wanted });
  }
  // the caller's make sees every option: what is not given, or undefined, has its default
  const filled = (options: object): object => {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    return { ...defaults, ...Object.fromEntries(given) };
  };
  registered.set(id, { ...registration, make: (options) => registration.make(filled(options)) });
}

/** Registers a composed scene under an id. @throws ConfigError as `registerEnv` does */
export function registerScene(id: string, scene: Scene, summary = 'a composed scene'): void {
  checkScene(scene);
  registerEnv(sceneRegistration(id, summary, scene, { maxSteps: scene.maxSteps ?? 1000, engine: 'mujoco' }));
}

/** Every known environment, by name. */
export function listEnvs(): readonly EnvRegistration[] {
  return [...registered.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Makes one environment.
 * @param options of this id, all optional; see its `defaults`
 * @throws ConfigError for an unknown id or option; the nearest known one is suggested
 * @example const env = await makeEnv('CartPole-v1');
 */
export async function makeEnv<Id extends EnvId>(id: Id, options: EnvOptions<Id> = {} as EnvOptions<Id>): Promise<Env> {
  return checkedEnv(await findEnv(id).make(checkedOptions(id, options as object)), `makeEnv ${id}`);
}

/** @throws ConfigError for an unknown id */
function findEnv(id: string): EnvRegistration {
  const found = registered.get(id);
  if (found !== undefined) return found;
  if (typeof id !== 'string') {
    const fix = '`gimbal control envs` lists them';
    throw new ConfigError({ where: 'makeEnv', what: 'an id is a text', got: id, wanted: 'Name-v0', fix });
  }
  const ids = [...registered.keys()];
  const sameName = ids.filter((known) => unversioned(known) === unversioned(id));
  const guess = sameName.at(-1) ?? nearest(id, ids);
  const fix = guess === undefined ? '`gimbal control envs` lists them' : `Did you mean ${guess}?`;
  throw new ConfigError({ where: 'makeEnv', what: 'no such environment', got: id, fix });
}

const unversioned = (id: string): string => id.replace(/-v\d+$/, '').toLowerCase();

function checkedOptions(id: string, options: object): object {
  const names = Object.keys(findEnv(id).defaults);
  if (typeof options !== 'object' || options === null) {
    const wanted = `an object of ${names.join(', ')}`;
    throw new ConfigError({ where: `makeEnv ${id}`, what: 'bad options', got: options, wanted });
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const guess = nearest(unknown, names);
    const known = names.length === 0 ? 'It has none' : `It has ${names.join(', ')}`;
    const fix = guess === undefined ? known : `Did you mean ${guess}? ${known}`;
    throw new ConfigError({ where: `makeEnv ${id}`, what: 'no such option', got: unknown, fix });
  }
  const { defaults } = findEnv(id);
  for (const [name, got] of Object.entries(options)) {
    const wanted = wantedValue(name, got, (defaults as { [name: string]: unknown })[name]);
    if (wanted !== undefined) throw new ConfigError({ where: `makeEnv ${id}`, what: `bad ${name}`, got, wanted });
  }
  return options;
}

const isPlain = (type: string): boolean => type === 'number' || type === 'boolean' || type === 'string';

/** What an option's value should have been; undefined for a good one. Absent ones are good. */
function wantedValue(name: string, value: unknown, byDefault: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (name === 'maxSteps') {
    return typeof value === 'number' && value >= 1 ? undefined : 'a number from 1, or Infinity';
  }
  if (name === 'frameSkip') {
    return Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : 'a whole number from 1';
  }
  if (name === 'obsDtype') return value === 'float32' || value === 'float64' ? undefined : 'float32 or float64';
  const numbers = Array.isArray(value) ? value : [value];
  if (numbers.some((x) => Number.isNaN(x))) return 'no NaN';
  if (Array.isArray(byDefault)) {
    const isLike = Array.isArray(value) && value.length === byDefault.length;
    const isOrdered = !name.endsWith('Range') || (isLike && (value[0] as number) <= (value[1] as number));
    const wanted = `${byDefault.length} numbers${name.endsWith('Range') ? ', the lower first' : ''}`;
    return isLike && numbers.every((x) => typeof x === 'number') && isOrdered ? undefined : wanted;
  }
  const [type, given] = [typeof byDefault, value === null ? 'null' : typeof value];
  const mustBeFinite = name === 'resetNoiseScale' || name.endsWith('Weight');
  if (mustBeFinite && given === 'number' && !Number.isFinite(value)) return 'a finite number';
  if (value === null && isPlain(type)) return `a ${type}`;
  return type !== given && isPlain(type) && isPlain(given) ? `a ${type}` : undefined;
}
