/** One agent's part of a scene as an environment of its own, for learners that know of one agent only. */
import {
  type Action,
  ConfigError,
  type EnvSpec,
  type EnvStep,
  type Info,
  nearest,
  type Obs,
  type Rng,
  rng,
  rngFromState,
  type Space,
} from '@gimbal/tensor-core';
import { sample } from '../spaces/value.ts';
import { layoutOf } from '../tasks/layout.ts';
import { EnvWrapper } from '../wrappers/wrapper.ts';
import type { AgentView } from './agents.ts';
import type { SceneEnv } from './scene-env.ts';

/** How another agent acts: at random (from the episode's seed), not at all, or by a function of what it sees. */
export type AgentPolicy = 'random' | 'zero' | ((obs: Float32Array) => Float32Array);

interface Other {
  readonly view: AgentView;
  readonly policy: AgentPolicy;
}

/**
 * A scene as one of its agents knows it: its own observation, motors and rewards; the others act by policies.
 * @example const env = new AgentEnv(await makeScene(antChase()), 'chaser', { runner: (obs) => trained.act(obs) });
 */
export class AgentEnv extends EnvWrapper {
  /** Whose part it is. */
  readonly agent: AgentView;
  readonly #scene: SceneEnv;
  readonly #index: number;
  readonly #others: readonly Other[];
  readonly #spec: EnvSpec;
  readonly #action: Float32Array;
  #stream: Rng = rng(0).split('others');
  #all: Float32Array = new Float32Array();

  /**
   * @param others policies of the other agents by name; default 'random'
   * @throws ConfigError for an unknown agent
   */
  constructor(scene: SceneEnv, agent: string, others: { readonly [agent: string]: AgentPolicy } = {}) {
    super(scene);
    this.agent = scene.agent(agent);
    this.#scene = scene;
    this.#index = scene.agents.indexOf(this.agent);
    const rest = scene.agents.filter((view) => view !== this.agent);
    const names = rest.map(({ name }) => name);
    const unknown = Object.keys(others).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      const guess = nearest(unknown, names);
      const fix = guess === undefined ? `There are ${names.join(', ')}` : `Did you mean ${guess}?`;
      throw new ConfigError({ where: `AgentEnv ${agent}`, what: 'no such other agent', got: unknown, fix });
    }
    this.#others = rest.map((view) => ({ view, policy: others[view.name] ?? 'random' }));
    const elements = this.agent.observes.map((i) => ({ name: scene.spec.layout?.names[i] as string, size: 1 }));
    this.#spec = { ...scene.spec, id: `${scene.spec.id}/${agent}`, layout: layoutOf(elements) };
    this.#action = new Float32Array(scene.model.info.nu);
  }

  override get spec(): EnvSpec {
    return this.#spec;
  }

  override get observationSpace(): Space {
    return this.agent.observationSpace;
  }

  override get actionSpace(): Space {
    return this.agent.actionSpace;
  }

  override reset(o: { seed?: number; options?: object } = {}): { obs: Obs; info: Info } {
    if (o.seed !== undefined) this.#stream = rng(o.seed).split('others');
    const { obs, info } = this.env.reset(o);
    return { obs: this.#see(obs), info };
  }

  override step(action: Action): EnvStep {
    const { agent } = this;
    const own = action as Float32Array;
    if (own?.length !== agent.actions.length) {
      const wanted = `${agent.actions.length} numbers`;
      throw new ConfigError({ where: `${this.#spec.id}: step`, what: 'bad action', got: own?.length, wanted });
    }
    for (const [i, index] of agent.actions.entries()) this.#action[index] = own[i] as number;
    for (const { view, policy } of this.#others) {
      const other = this.#act(view, policy);
      for (const [i, index] of view.actions.entries()) this.#action[index] = other[i] as number;
    }
    const result = this.env.step(this.#action);
    return { ...result, obs: this.#see(result.obs), reward: this.#scene.agentRewards[this.#index] as number };
  }

  protected override ownState(): Float64Array {
    const { stream, position } = this.#stream.state();
    const seen = new Float64Array(this.#scene.spec.layout?.size ?? 0);
    seen.set(this.#all); // empty before the first reset
    return Float64Array.of(...stream, position, ...seen);
  }

  protected override restoreOwn(numbers: Float64Array): void {
    const [stream, position] = [[...numbers.subarray(0, 4)], numbers[4] as number];
    this.#stream = rngFromState({ algorithm: 'philox4x32-10', stream, position });
    this.#all = Float32Array.from(numbers.subarray(5));
  }

  #act(view: AgentView, policy: AgentPolicy): Float32Array {
    if (policy === 'zero') return new Float32Array(view.actions.length);
    if (policy === 'random') return sample(view.actionSpace, this.#stream) as Float32Array;
    const action = policy(this.#scene.observationOf(view.name, this.#all));
    if (action?.length === view.actions.length) return action;
    const wanted = `${view.actions.length} numbers`;
    throw new ConfigError({ where: `AgentEnv: ${view.name}`, what: 'bad action', got: action?.length, wanted });
  }

  #see(obs: Obs): Float32Array {
    this.#all = obs as Float32Array;
    return this.#scene.observationOf(this.agent.name, this.#all);
  }
}
