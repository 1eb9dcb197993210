/** Who owns what in a scene of several agents: motors, rewards, and the part of the observation that each sees. */
import { type BoxSpace, ConfigError, nearest } from '@gimbal/tensor-core';
import { box } from '../spaces/spaces.ts';
import type { Block } from './observers.ts';
import type { PartIndices } from './parts.ts';
import type { Scene } from './scene.ts';

/** What one agent owns. */
export interface AgentView {
  /** its key in the scene's `agents`; `agent` where the scene has none */
  readonly name: string;
  /** its elements of the action */
  readonly actions: readonly number[];
  /** full names of the rewards it gets */
  readonly rewards: readonly string[];
  /** its elements of the observation, in the order it sees them */
  readonly observes: readonly number[];
  /** of its own observation: `[observes.length]` */
  readonly observationSpace: BoxSpace;
  /** of its own action: `[actions.length]` */
  readonly actionSpace: BoxSpace;
}

interface Owned {
  readonly name: string;
  readonly at: PartIndices;
}

/** @param all the action space of the whole scene */
export function agentViews(
  scene: Scene,
  parts: readonly Owned[],
  rewards: readonly string[],
  blocks: readonly Block[],
  all: BoxSpace,
): AgentView[] {
  const { agents } = scene;
  const everything = [...new Set(blocks.map(({ owner }) => owner))];
  const motors = (names: readonly string[]): number[] =>
    parts.filter((p) => names.includes(p.name)).flatMap((p) => [...p.at.actuators]);
  const view = (name: string, acts: readonly string[], paid: readonly string[], sees: readonly string[]): AgentView => {
    const [actions, observes] = [motors(acts), sees.flatMap((owner) => elementsOf(blocks, owner))];
    const bound = (side: 'low' | 'high'): number[] => actions.map((i) => all[side][i] as number);
    return {
      name,
      actions,
      rewards: paid,
      observes,
      observationSpace: box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, [observes.length], 'float32'),
      actionSpace: box(bound('low'), bound('high'), [actions.length]),
    };
  };
  const names = parts.map((p) => p.name);
  if (agents === undefined) return [view('agent', names, rewards, everything)];
  const acting = new Set(Object.values(agents).flatMap(({ acts }) => [...acts]));
  const idle = parts.find((p) => p.at.actuators.length > 0 && !acting.has(p.name));
  if (idle !== undefined) {
    throw new ConfigError({ where: 'scene.agents', what: 'motors that no agent has', got: idle.name });
  }
  return Object.entries(agents)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { acts, rewards: wanted, observes = everything }]) => {
      for (const owner of observes) known(owner, everything, `scene.agents.${name}.observes`);
      const mine = (full: string): boolean => wanted.some((w) => full === w || full.startsWith(`${w}.`));
      return view(name, acts, rewards.filter(mine), observes);
    });
}

function elementsOf(blocks: readonly Block[], owner: string): number[] {
  let from = 0;
  return blocks.flatMap((block) => {
    const { size } = block.bound;
    from += size;
    return block.owner === owner ? Array.from({ length: size }, (_, i) => from - size + i) : [];
  });
}

function known(owner: string, all: readonly string[], where: string): void {
  if (all.includes(owner)) return;
  const guess = nearest(owner, all);
  const fix = guess === undefined ? `There are ${all.join(', ')}` : `Did you mean ${guess}?`;
  throw new ConfigError({ where, what: 'nothing is observed of it', got: owner, fix });
}
