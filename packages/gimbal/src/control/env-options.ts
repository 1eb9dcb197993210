// --env-options: what an environment is made with, as text.

/** Options of an environment as flags give them. */
export type EnvOptionTexts = { readonly [name: string]: string };

/** Numbers and booleans as such, all else as text. The environment refuses names it does not know. */
export function readEnvOptions(given: EnvOptionTexts | undefined): object {
  const read = (text: string): unknown => {
    if (text === 'true' || text === 'false') return text === 'true';
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  };
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, text]) => [name, read(text)]));
}
