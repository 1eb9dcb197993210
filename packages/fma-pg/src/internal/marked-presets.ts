// A preset whose brackets were forgotten: a function spreads into nothing, and bare defaults would be trained with.
import { ConfigError, requireOptions } from '@gimbal/tensor-core';

/** Gives each preset its name, which `{ ...ppo }` takes along. @param of what it is called from, as 'tokenPresets.' */
export function markedPresets<T extends { readonly [name: string]: object }>(presets: T, of = ''): T {
  for (const [name, preset] of Object.entries(presets)) Object.assign(preset, { preset: of + name });
  return presets;
}

/** @throws ConfigError for what is no options, and for options that a preset itself was spread into */
export function refuseSpreadPreset(where: string, options: object): void {
  requireOptions(where, options);
  const { preset } = options as { preset?: unknown };
  if (typeof preset !== 'string') return;
  throw new ConfigError({ where, what: `${preset} is a function: spread what it gives`, fix: `Write ...${preset}()` });
}
