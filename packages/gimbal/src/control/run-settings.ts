// What a run trains with, defaults filled in: settings.json of its folder. Options that its algorithm does not use are left out.
import type { Surrogate } from '@gimbal/fma-pg';
import type { Agent } from './agent.ts';
import { notOf } from './agent-flags.ts';

/** Where it acts and what it leaves behind: in config.json, as flags. */
const elsewhere = ['env', 'evalEnv', 'out'];
/** Options whose flags have another name. */
const flagOf: { readonly [option: string]: string } = { alpha: 'temperature', exploration: 'finalExploration' };

/** By the option's name, as a library user would write it; of a surrogate its name and what was said of it. */
export function settingsInUse({ options }: Pick<Agent, 'options'>, algo: string): Record<string, unknown> {
  // the flag --surrogate is of some alone, the option of all that maximise one
  const natural = algo === 'trpo' || algo === 'npg';
  const unused = [...elsewhere, ...notOf(algo).filter((name) => name !== 'surrogate' || natural)];
  const used = Object.entries(options).filter(([name]) => !unused.includes(flagOf[name] ?? name));
  return Object.fromEntries(
    used.map(([name, value]) => [name, name === 'surrogate' ? described(value as Surrogate) : value]),
  );
}

const described = ({ surrogate, options }: Surrogate): object => ({ name: surrogate, ...options });
