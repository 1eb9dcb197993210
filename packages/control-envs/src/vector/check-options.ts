/** What `makeVectorEnv` refuses, in Node and in the page. */
import { ConfigError, nearest } from '@gimbal/tensor-core';

const where = 'makeVectorEnv';
const choices = { autoresetMode: ['same-step', 'next-step', 'disabled'], buffers: ['copy', 'shared'] } as const;

/** @throws ConfigError for an option that is not known, or a value that is none of the choices */
export function checkVectorOptions(options: { readonly [name: string]: unknown }, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const guess = nearest(name, known);
    const fix = guess === undefined ? `It has ${known.join(', ')}` : `Did you mean ${guess}?`;
    throw new ConfigError({ where, what: 'no such option', got: name, fix });
  }
  for (const [name, values] of Object.entries(choices)) {
    const got = options[name];
    if (got === undefined || (values as readonly unknown[]).includes(got)) continue;
    throw new ConfigError({ where, what: `bad ${name}`, got, wanted: values.join(', ') });
  }
}
