/** A composed scene as an environment, for one agent or several. */
import { ConfigError, type Info, nearest, type Rng } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { type CompiledModel, compileMjcf } from '../mujoco/compile.ts';
import { type LayoutBlock, layoutOf } from '../tasks/layout.ts';
import { MujocoEnv } from '../tasks/mujoco-env.ts';
import { compileScene } from './compile-scene.ts';
import type { Component } from './component.ts';
import { type PartIndices, partIndices } from './parts.ts';
import { type BoundTerm, bindTerm, type RootState } from './reward-terms.ts';
import { edgeName, type Observer, type Scene, type SceneComponent } from './scene.ts';

interface Part {
  name: string;
  component: Component;
  scene: SceneComponent;
  at: PartIndices;
  root: RootState;
  observers: readonly Observer[];
}

/** What one agent owns. */
export interface AgentView {
  /** its key in the scene's `agents`; `agent` where the scene has none */
  readonly name: string;
  /** its elements of the action */
  readonly actions: readonly number[];
  /** full names of the rewards it gets */
  readonly rewards: readonly string[];
}

/**
 * Makes a scene's environment.
 * @param id for messages and recordings
 * @throws ConfigError for a scene that contradicts itself; DataError for MJCF that does not compile
 */
export async function makeScene(scene: Scene, id = 'Scene-v0'): Promise<SceneEnv> {
  const { mjcf, components } = compileScene(scene);
  return new SceneEnv(await compileMjcf(mjcf, { source: id }), scene, components, id);
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
  readonly #edges: readonly { a: Part; b: Part | undefined; names: readonly string[] }[];
  readonly #terms: readonly { name: string; term: BoundTerm; agents: readonly number[] }[];
  readonly #values: Float64Array;
  readonly #positions: Float64Array;

  constructor(model: CompiledModel, scene: Scene, components: ReadonlyMap<string, Component>, id: string) {
    const parts = [...components].map(([name, component]): Part => {
      const described = scene.components[name] as SceneComponent;
      const at = partIndices(model.info, name, component.root);
      const observers = described.observe ?? [at.actuators.length > 0 ? 'state' : 'root'];
      const root = { pos: new Float64Array(3), vel: new Float64Array(3) };
      return { name, component, scene: described, at, root, observers };
    });
    const edges = (scene.edges ?? []).map(({ between: [a, b], observe = [] }) => {
      const [first, second] = [a, b].sort() as [string, string];
      const find = (name: string): Part | undefined => parts.find((part) => part.name === name);
      const [one, two] = first === 'ground' ? [find(second), undefined] : [find(first), find(second)];
      return { a: one as Part, b: two, names: observe.map(() => edgeName(a, b)) };
    });
    super(model, {
      id,
      maxSteps: scene.maxSteps ?? 1000,
      frameSkip: scene.frameSkip ?? 5,
      obsDtype: 'float32',
      contactForces: parts.some(({ observers }) => observers.includes('contacts')),
      layout: layoutOf([...parts.flatMap(blocksOf), ...edges.flatMap(edgeBlocks)]),
    });
    this.scene = scene;
    this.#parts = parts;
    this.#edges = edges;
    const terms = boundTerms(scene, parts);
    this.agents = agentViews(
      scene,
      parts,
      terms.map(({ name }) => name),
    );
    this.agentRewards = new Float64Array(this.agents.length);
    this.#terms = terms.map(({ name, term }) => ({
      name,
      term,
      agents: this.agents.flatMap(({ rewards }, i) => (rewards.includes(name) ? [i] : [])),
    }));
    this.#values = new Float64Array(terms.length);
    this.#positions = new Float64Array(3 * parts.length);
  }

  /** An agent's rewards and motors. @throws ConfigError for an unknown name */
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

  protected override get memory(): Float64Array | undefined {
    return this.#positions;
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    const noise = this.scene.resetNoiseScale ?? 0.1;
    for (const { at } of this.#parts) {
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
        if (this.elapsed === 0) root.vel[i] = 0;
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
      const { reward, done } = term(action);
      this.#values[t] = reward;
      if (done) this.terminated = true;
      for (const agent of agents) this.agentRewards[agent] = (this.agentRewards[agent] as number) + reward;
      this.reward += reward;
    }
  }

  #unhealthy({ component, scene, at, root }: Part): boolean {
    const { healthy } = component;
    if (healthy === undefined || scene.terminates === false || scene.frozen === true) return false;
    const z = root.pos[2] as number;
    if (z < healthy.z[0] || z > healthy.z[1]) return true;
    return healthy.up !== undefined && (this.sim.xmat[9 * at.root + 8] as number) < healthy.up;
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel, xpos, xquat, cfrcExt } = this.sim;
    let n = 0;
    for (const { at, root, observers } of this.#parts) {
      for (const observer of observers) {
        if (observer === 'state') {
          for (const i of at.observedQpos) out[n++] = qpos[i] as number;
          for (const i of at.qvel) out[n++] = qvel[i] as number;
        } else if (observer === 'root') {
          for (let i = 0; i < 3; i++) out[n++] = xpos[3 * at.root + i] as number;
          for (let i = 0; i < 4; i++) out[n++] = xquat[4 * at.root + i] as number;
          for (let i = 0; i < 3; i++) out[n++] = root.vel[i] as number;
        } else {
          for (const b of at.bodies) for (let i = 0; i < 6; i++) out[n++] = clamp(cfrcExt[6 * b + i] as number, -1, 1);
        }
      }
    }
    for (const { a, b, names } of this.#edges) {
      for (const _ of names) for (let i = 0; i < 3; i++) out[n++] = (a.root.pos[i] as number) - (b?.root.pos[i] ?? 0);
    }
  }

  /** Every reward by its full name, and each agent's sum. */
  protected override taskInfo(): Info {
    const rewards = Object.fromEntries(this.#terms.map(({ name }, t) => [name, this.#values[t]]));
    const agentRewards = Object.fromEntries(this.agents.map(({ name }, i) => [name, this.agentRewards[i]]));
    return { ...super.taskInfo(), rewards, agentRewards };
  }
}

function blocksOf({ name, at, observers }: Part): LayoutBlock[] {
  return observers.flatMap((observer): LayoutBlock[] => {
    if (observer === 'contacts') return [{ name: `${name}.contacts`, size: 6 * at.bodies.length }];
    if (observer === 'state') {
      return [
        { name: `${name}.qpos`, size: at.observedQpos.length },
        { name: `${name}.qvel`, size: at.qvel.length },
      ];
    }
    return [
      { name: `${name}.pos`, size: 3 },
      { name: `${name}.quat`, size: 4 },
      { name: `${name}.vel`, size: 3 },
    ];
  });
}

const edgeBlocks = ({ names }: { names: readonly string[] }): LayoutBlock[] =>
  names.map((name) => ({ name: `${name}.rootVector`, size: 3 }));

function boundTerms(scene: Scene, parts: readonly Part[]): { name: string; term: BoundTerm }[] {
  const part = (name: string): Part | undefined => parts.find((p) => p.name === name);
  const own = parts.flatMap(({ name, root, at, scene: { rewards = {} } }) =>
    Object.entries(rewards).map(([key, term]) => ({
      name: `${name}.${key}`,
      term: bindTerm(term, root, undefined, at.actuators),
    })),
  );
  const between = (scene.edges ?? []).flatMap(({ between: [a, b], rewards = {} }) =>
    Object.entries(rewards).map(([key, term]) => ({
      name: `${edgeName(a, b)}.${key}`,
      term: bindTerm(term, (part(a) ?? part(b))?.root as RootState, part(a) && part(b)?.root, []),
    })),
  );
  return [...own, ...between];
}

function agentViews(scene: Scene, parts: readonly Part[], rewards: readonly string[]): AgentView[] {
  const { agents } = scene;
  if (agents === undefined) return [{ name: 'agent', actions: parts.flatMap((p) => [...p.at.actuators]), rewards }];
  const views = Object.keys(agents).sort();
  const acting = new Set(views.flatMap((name) => [...(agents[name]?.acts ?? [])]));
  const idle = parts.find((p) => p.at.actuators.length > 0 && !acting.has(p.name));
  if (idle !== undefined) {
    throw new ConfigError({ where: 'scene.agents', what: 'motors that no agent has', got: idle.name });
  }
  return views.map((name) => {
    const { acts, rewards: wanted } = agents[name] as NonNullable<Scene['agents']>[string];
    const mine = (full: string): boolean => wanted.some((w) => full === w || full.startsWith(`${w}.`));
    return {
      name,
      actions: parts.filter((p) => acts.includes(p.name)).flatMap((p) => [...p.at.actuators]),
      rewards: rewards.filter(mine),
    };
  });
}
