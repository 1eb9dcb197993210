/** A composed scene as an environment, for one agent or several. */
import { type BoxSpace, ConfigError, type Info, nearest, type Rng } from '@gimbal/tensor-core';
import { owning, type PhysicsModel } from '../physics/contract.ts';
import { findEngine } from '../physics/engines.ts';
import { layoutOf } from '../tasks/layout.ts';
import { MujocoEnv } from '../tasks/mujoco-env.ts';
import { type AgentView, agentViews } from './agents.ts';
import { compileScene } from './compile-scene.ts';
import type { Component } from './component.ts';
import { type Block, bindObserver, type ObservedPart } from './observers.ts';
import { type PartIndices, partIndices } from './parts.ts';
import { type BoundTerm, bindTerm, type RootState } from './reward-terms.ts';
import { edgeName, type Scene, type SceneComponent } from './scene.ts';
import { withFiles } from './scene-files.ts';

interface Part {
  name: string;
  component: Component;
  scene: SceneComponent;
  at: PartIndices;
  root: RootState;
}

/**
 * Makes a scene's environment.
 * @param id for messages and recordings
 * @param engine physics library, by the name it was registered with
 * @throws ConfigError for a scene that contradicts itself; DataError for MJCF that cannot be read or does not compile
 */
export async function makeScene(scene: Scene, id = 'Scene-v0', engine?: string): Promise<SceneEnv> {
  const { mjcf, components, files } = compileScene(await withFiles(scene));
  const model = await findEngine(engine).compile(mjcf, { source: id, files });
  return owning(model, () => {
    if (model.info.nu === 0) {
      const fix = 'Add a component that acts: an environment needs actions';
      throw new ConfigError({ where: 'scene.components', what: 'nothing has a motor', fix });
    }
    return new SceneEnv(model, scene, components, id);
  });
}

/**
 * A composed scene as an environment: one action for all motors, float32 observations, and as its reward the sum of all
 * terms; `makeScene` makes it.
 */
export class SceneEnv extends MujocoEnv {
  /** the description it was made from */
  readonly scene: Scene;
  /** sorted by name; one called `agent`, with all motors and rewards, where the scene has no `agents` */
  readonly agents: readonly AgentView[];
  /** of the last step, in the order of `agents` */
  readonly agentRewards: Float64Array;
  readonly #parts: readonly Part[];
  readonly #blocks: readonly Block[];
  readonly #terms: readonly { name: string; term: BoundTerm; agents: readonly number[] }[];
  readonly #values: Float64Array;
  readonly #positions: Float64Array;

  constructor(model: PhysicsModel, scene: Scene, components: ReadonlyMap<string, Component>, id: string) {
    const parts = [...components].map(([name, component]): Part => {
      const at = partIndices(model.info, name, component.root);
      const root = { pos: new Float64Array(3), vel: new Float64Array(3) };
      return { name, component, scene: scene.components[name] as SceneComponent, at, root };
    });
    const blocks = observerBlocks(scene, parts, model);
    super(model, {
      id,
      maxSteps: scene.maxSteps ?? 1000,
      frameSkip: scene.frameSkip ?? 5,
      obsDtype: 'float32',
      contactForces: blocks.some(({ bound }) => bound.contactForces === true),
      layout: layoutOf(blocks.flatMap(({ runs }) => runs)),
    });
    this.scene = scene;
    this.#parts = parts;
    this.#blocks = blocks;
    const terms = boundTerms(scene, parts);
    const names = terms.map(({ name }) => name);
    this.agents = agentViews(scene, parts, names, blocks, this.actionSpace as BoxSpace);
    this.agentRewards = new Float64Array(this.agents.length);
    this.#terms = terms.map(({ name, term }) => ({
      name,
      term,
      agents: this.agents.flatMap(({ rewards }, i) => (rewards.includes(name) ? [i] : [])),
    }));
    this.#values = new Float64Array(terms.length);
    this.#positions = new Float64Array(3 * parts.length);
  }

  /** An agent's rewards, motors and part of the observation. @throws ConfigError for an unknown name */
  agent(name: string): AgentView {
    const found = this.agents.find((view) => view.name === name);
    if (found !== undefined) return found;
    const names = this.agents.map((view) => view.name);
    const guess = nearest(name, names);
    const fix = guess === undefined ? `There are ${names.join(', ')}` : `Did you mean ${guess}?`;
    throw new ConfigError({ where: this.spec.id, what: 'no such agent', got: name, fix });
  }

  /** One action from each agent's own; a new array, or `out`. */
  joinActions(actions: { readonly [agent: string]: Float32Array }, out?: Float32Array): Float32Array {
    const all = out ?? new Float32Array(this.model.info.nu);
    for (const view of this.agents) {
      const own = actions[view.name];
      if (own === undefined || own.length !== view.actions.length) {
        const wanted = `${view.actions.length} numbers for ${view.name}`;
        throw new ConfigError({ where: `${this.spec.id}: joinActions`, what: 'bad action', got: own?.length, wanted });
      }
      for (const [i, index] of view.actions.entries()) all[index] = own[i] as number;
    }
    return all;
  }

  /** What one agent sees of an observation of this scene, `[agent.observes.length]`; a new array, or `out`. */
  observationOf(agent: string, obs: ArrayLike<number>, out?: Float32Array): Float32Array {
    const { observes } = this.agent(agent);
    const own = out ?? new Float32Array(observes.length);
    for (let i = 0; i < observes.length; i++) own[i] = obs[observes[i] as number] as number;
    return own;
  }

  protected override get memory(): Float64Array | undefined {
    return this.#positions;
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    const noise = this.scene.resetNoiseScale ?? 0.1;
    for (const { at, root } of this.#parts) {
      root.vel.fill(0); // of the last step, of which there is none
      for (const i of at.qpos) qpos[i] = (qpos[i] as number) + noise * (2 * stream.uniform() - 1);
      for (const i of at.qvel) qvel[i] = (qvel[i] as number) + noise * stream.normal();
    }
    this.agentRewards.fill(0);
    this.#values.fill(0);
  }

  protected override before(): void {
    this.sim.kinematics();
    const { xpos } = this.sim;
    for (const [p, { at, root }] of this.#parts.entries()) {
      for (let i = 0; i < 3; i++) {
        this.#positions[3 * p + i] = xpos[3 * at.root + i] as number;
        root.pos[i] = xpos[3 * at.root + i] as number;
      }
    }
  }

  protected score(action: Float32Array): void {
    this.sim.kinematics(); // positions of bodies where qpos is now
    const { xpos } = this.sim;
    for (const [p, { at, root }] of this.#parts.entries()) {
      for (let i = 0; i < 3; i++) {
        const now = xpos[3 * at.root + i] as number;
        root.pos[i] = now;
        root.vel[i] = (now - (this.#positions[3 * p + i] as number)) / this.dt;
      }
    }
    this.reward = 0;
    this.agentRewards.fill(0);
    this.terminated = this.#parts.some((part) => this.#unhealthy(part));
    for (const [t, { term, agents }] of this.#terms.entries()) {
      const { reward, done } = term(action, this.sim);
      this.#values[t] = reward;
      if (done) this.terminated = true;
      for (const agent of agents) this.agentRewards[agent] = (this.agentRewards[agent] as number) + reward;
      this.reward += reward;
    }
  }

  #unhealthy({ component, scene, at, root }: Part): boolean {
    const { terminates = true, frozen = false, on } = scene;
    const bounds = typeof terminates === 'object' ? terminates : component.healthy;
    if (bounds === undefined || terminates === false || frozen || on !== undefined) return false;
    const z = root.pos[2] as number;
    if (z < bounds.z[0] || z > bounds.z[1]) return true;
    return bounds.up !== undefined && (this.sim.xmat[9 * at.root + 8] as number) < bounds.up;
  }

  protected write(out: Float64Array | Float32Array): void {
    let from = 0;
    for (const { bound } of this.#blocks) {
      bound.write(this.sim, out, from);
      from += bound.size;
    }
  }

  /** Every reward by its full name, and each agent's sum. */
  protected override taskInfo(): Info {
    const rewards = Object.fromEntries(this.#terms.map(({ name }, t) => [name, this.#values[t]]));
    const agentRewards = Object.fromEntries(this.agents.map(({ name }, i) => [name, this.agentRewards[i]]));
    return { ...super.taskInfo(), rewards, agentRewards };
  }
}

/** The observers of components, sorted by name, then those of edges as the scene lists them. */
function observerBlocks(scene: Scene, parts: readonly Part[], { info }: PhysicsModel): Block[] {
  const seen = ({ name, at, root }: Part): ObservedPart => ({ name, info, indices: at, root });
  const find = (name: string): Part | undefined => parts.find((part) => part.name === name);
  const own = parts.flatMap((part) => {
    const { observe = [part.at.actuators.length > 0 ? 'state' : 'root'] } = part.scene;
    return observe.map((observer) => bindObserver(observer, part.name, seen(part)));
  });
  const between = (scene.edges ?? []).flatMap(({ between: [a, b], observe = [] }) => {
    // the ground is never the first
    const [first, second] = [a, b].sort().sort((x, y) => Number(x === 'ground') - Number(y === 'ground'));
    const [one, two] = [find(first as string) as Part, find(second as string)];
    return observe.map((observer) => bindObserver(observer, edgeName(a, b), seen(one), two && seen(two)));
  });
  return [...own, ...between];
}

function boundTerms(scene: Scene, parts: readonly Part[]): { name: string; term: BoundTerm }[] {
  const part = (name: string): Part | undefined => parts.find((p) => p.name === name);
  const own = parts.flatMap(({ name, root, at, scene: { rewards = {} } }) =>
    Object.entries(rewards).map(([key, term]) => ({
      name: `${name}.${key}`,
      term: bindTerm(term, { a: root, b: undefined, actuators: at.actuators, names: [name] }),
    })),
  );
  const between = (scene.edges ?? []).flatMap(({ between, rewards = {} }) => {
    const [a, b] = between;
    // in the order that the scene gives; the ground is never the first
    const [first, second] = a === 'ground' ? [b, a] : [a, b];
    const context = { a: part(first)?.root as RootState, b: part(second)?.root, actuators: [], names: [first, second] };
    return Object.entries(rewards).map(([key, term]) => ({
      name: `${edgeName(a, b)}.${key}`,
      term: bindTerm(term, context),
    }));
  });
  return [...own, ...between];
}
