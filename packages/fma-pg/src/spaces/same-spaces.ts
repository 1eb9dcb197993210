// Whether an agent can act in another environment than its own.
import { ConfigError } from '@gimbal/tensor-core';
import type { ActionSpec } from './action-spec.ts';
import type { ObservationPart, ObservationSpec } from './observation-spec.ts';

/** What an agent sees and does. Bounds do not count: what is outside of an environment's is clipped. */
export interface AgentSpaces {
  readonly observation: ObservationSpec;
  readonly action: ActionSpec;
}

/**
 * Refuses an environment whose spaces are not the agent's.
 * @param agent undefined where it does not say what its spaces are
 * @throws ConfigError naming the first thing that differs
 */
export function requireSameSpaces(where: string, env: AgentSpaces, agent: Partial<AgentSpaces>): void {
  const { observation, action } = agent;
  if (action !== undefined) compare(where, 'actions', said(env.action), said(action));
  if (observation === undefined) return;
  for (const [i, part] of env.observation.parts.entries()) {
    const own = observation.parts[i];
    compare(where, 'observations', saidOf(part), own === undefined ? 'no such part' : saidOf(own));
  }
  const left = observation.parts[env.observation.parts.length];
  if (left !== undefined) compare(where, 'observations', 'no such part', saidOf(left));
}

function compare(where: string, what: string, got: string, wanted: string): void {
  if (got === wanted) return;
  const fix = 'Give an environment with the spaces that the agent was made for';
  throw new ConfigError({ where, what: `the environment’s ${what} are not the agent’s`, got, wanted, fix });
}

function said(action: ActionSpec): string {
  if (action.kind === 'continuous') return `a box of ${action.size}`;
  const { nvec, start, single } = action;
  return single ? `discrete ${nvec[0]}${from(start)}` : `multi-discrete ${nvec.join(', ')}`;
}

function saidOf({ path, size, image, choices, start = 0, isBinary }: ObservationPart): string {
  const name = path === '' ? '' : `${path}: `;
  if (choices !== undefined) return `${name}discrete ${choices.join(', ')}${from(start)}`;
  if (isBinary) return `${name}binary ${size}`;
  return image === undefined ? `${name}a box of ${size}` : `${name}an image of ${image.join('×')}`;
}

const from = (start: number): string => (start === 0 ? '' : ` from ${start}`);
