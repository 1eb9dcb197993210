/** The physics libraries by name: what the option `engine` of an environment chooses from. */
import { ConfigError, nearest } from '@gimbal/tensor-core';
import { compileMjcf } from '../mujoco/compile.ts';
import type { PhysicsEngine } from './contract.ts';

const engines = new Map<string, PhysicsEngine>([['mujoco', { name: 'mujoco', compile: compileMjcf }]]);

/**
 * Adds a physics library; environments then take its name as `engine`. On worker threads it must be registered too
 * (`makeVectorEnv`'s `modules`).
 * @throws ConfigError if the name is taken
 */
export function registerEngine(engine: PhysicsEngine): void {
  const { name } = engine;
  if (engines.has(name)) throw new ConfigError({ where: 'registerEngine', what: 'the name is taken', got: name });
  engines.set(name, engine);
}

/** @throws ConfigError for an unknown name; the nearest is suggested */
export function findEngine(name = 'mujoco'): PhysicsEngine {
  const found = engines.get(name);
  if (found !== undefined) return found;
  const guess = nearest(name, engines.keys());
  const fix = guess === undefined ? `There are ${[...engines.keys()].join(', ')}` : `Did you mean ${guess}?`;
  throw new ConfigError({ where: 'engine', what: 'no such physics library', got: name, fix });
}
