// An agent of one class that is asked for with the options of the other.
import { ConfigError, requireOptions } from '@gimbal/tensor-core';
import { refuseSpreadPreset } from '../internal/marked-presets.ts';
import { onPolicyPresets } from './presets.ts';
import type { AgentClass } from './saved-run.ts';

/** Algorithms that one class alone has: MDPO is of both. */
const onlyOf: { readonly [agent in AgentClass]: readonly (string | undefined)[] } = {
  OnPolicyAgent: Object.values(onPolicyPresets)
    .map((preset) => preset().algorithm)
    .filter((name) => name !== 'mdpo'),
  OffPolicyAgent: ['sac', 'td3', 'dqn'],
};

/**
 * @param own names of the options of `agent`
 * @param ofOther names of those of the other class
 * @throws ConfigError for what is no options, and for options of the other class
 */
export function refuseOtherClass(
  agent: AgentClass,
  options: { algorithm?: string },
  own: readonly string[],
  ofOther: readonly string[],
): void {
  const where = `${agent}.create`;
  requireOptions(where, options);
  refuseSpreadPreset(where, options);
  const other = agent === 'OnPolicyAgent' ? 'OffPolicyAgent' : 'OnPolicyAgent';
  const { algorithm } = options;
  const given = Object.keys(options);
  const foreign = given.filter((name) => !own.includes(name) && ofOther.includes(name));
  if (foreign[0] !== undefined && onlyOf[agent].includes(algorithm)) {
    const what = `${algorithm} has no such option (agents ${other === 'OnPolicyAgent' ? 'on' : 'off'} policy have)`;
    throw new ConfigError({ where: foreign[0], what, fix: 'Leave it out' });
  }
  // one that is misplaced among options of this class is refused by its name, later
  const isForeign = foreign.length > 0 && !given.some((name) => own.includes(name) && !ofOther.includes(name));
  if (!isForeign && !onlyOf[other].includes(algorithm)) return;
  const what = algorithm === undefined ? `${foreign.join(', ')}: options of ${other}` : `${algorithm} is of ${other}`;
  throw new ConfigError({ where, what, fix: `Use ${other}.create` });
}
