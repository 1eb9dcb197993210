// --env and --env-options: an environment by its name, made with options that come as text.
import { inFlags } from '../options/in-flags.ts';

/** Options of an environment as flags give them. */
export type EnvOptionTexts = { readonly [name: string]: string };

/** One environment. @throws ConfigError for a name or an option that is not there, in the words of the flags */
export async function envOf(id: string, texts: EnvOptionTexts | undefined) {
  const { makeEnv } = await import('@gimbal/control-envs');
  const options = readEnvOptions(texts);
  const flags = { [`makeEnv ${id}`]: '--env-options', makeEnv: '--env' };
  return await inFlags('gimbal control', flags, () => makeEnv(id, options));
}

/** Numbers and booleans as such, all else as text. The environment refuses names it does not know. */
export function readEnvOptions(given: EnvOptionTexts | undefined): object {
  const read = (text: string): unknown => {
    if (text === 'true' || text === 'false') return text === 'true';
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  };
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, text]) => [name, read(text)]));
}
