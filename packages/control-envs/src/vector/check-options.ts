/** What `makeVectorEnv` refuses, in Node and in the page. */
import { ConfigError, nearest } from '@gimbal/tensor-core';

const where = 'makeVectorEnv';
const choices = { autoresetMode: ['same-step', 'next-step', 'disabled'], buffers: ['copy', 'shared'] } as const;

/** @throws ConfigError for an option that is not known, or a value that is none of the choices */
export function checkVectorOptions(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError({ where, what: 'bad options', got: options, wanted: '{ numEnvs: 8 } and more' });
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const guess = nearest(name, known);
    const fix = guess === undefined ? `It has ${known.join(', ')}` : `Did you mean ${guess}?`;
    throw new ConfigError({ where, what: 'no such option', got: name, fix });
  }
  for (const [name, values] of Object.entries(choices)) {
    const got = (options as { readonly [name: string]: unknown })[name];
    if (got === undefined || (values as readonly unknown[]).includes(got)) continue;
    throw new ConfigError({ where, what: `bad ${name}`, got, wanted: values.join(', ') });
  }
}
