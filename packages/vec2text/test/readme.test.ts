// The README's examples: the quick start as it is, the others with fewer updates and in a folder of the test's.

import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Env, latestCheckpoint, rng, useBackend } from '@gimbal/tensor-core';
import * as vec2text from '../src/index.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** The one example that has a text in it, without its imports; what it imports of this package is there. */
const exampleWith = (text: string): string => {
  const found = [...read('README.md').matchAll(/^```js\n(.*?)^```$/gms)].filter(([, code]) => code?.includes(text));
  expect(found).toHaveLength(1);
  const code = found[0]?.[1] as string;
  const exported = new Set(Object.keys(vec2text));
  for (const [, names] of code.matchAll(/^import \{ (.*?) \} from '@gimbal\/vec2text';$/gm))
    expect((names as string).split(', ').filter((name) => !exported.has(name))).toEqual([]);
  return code.replace(/^import .*\n/gm, '');
};

/** Runs code with values for what it does not declare, and gives what it calls by `names`; the caller disposes. */
async function runs(code: string, given: object, names: readonly string[]): Promise<Record<string, unknown>> {
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<object>;
  // what is used after the last line must not be freed there
  const body = `${code.replace(/^using /gm, 'const ')}\nreturn { ${names.join(', ')} };`;
  return (await new AsyncFunction(...Object.keys(given), body)(...Object.values(given))) as Record<string, unknown>;
}

test('the README shows examples/quick-start.ts, which prints what the README says', async () => {
  expect(/```ts\n(.*?)```/s.exec(read('README.md'))?.[1]).toBe(read('examples/quick-start.ts'));
  const printed: string[] = [];
  const log = console.log;
  console.log = (value) => printed.push(String(value));
  try {
    await import('../examples/quick-start.ts');
  } finally {
    console.log = log;
  }
  expect(read('README.md')).toContain(`\`\`\`\n${printed.join('\n')}\n\`\`\``);
});

test('text of one’s own becomes a model, and that model searches its space for texts of reward', async () => {
  await useBackend('auto');
  const folder = await mkdtemp(join(tmpdir(), 'vec2text-readme-'));
  const who = ['boy', 'girl', 'doctor', 'old man'];
  const texts = who.flatMap((one) =>
    ['red box', 'lamp', 'red stone'].flatMap((what) => [`the ${one} saw the ${what}`, `a ${one} took a ${what}`]),
  );
  const logged: unknown[][] = [];
  const console = { log: (...values: unknown[]) => void logged.push(values) };
  const readFileSync = (): string => texts.join('\n');
  const fewer = (code: string): string =>
    code
      .replaceAll(/(steps: |vec2textSchedule\(|checkpointEvery: )\d{3,}/g, '$140')
      .replaceAll(/'(rtt\.jsonl|runs\/mine|inverters\/mine)'/g, (_, path) => JSON.stringify(join(folder, path)));
  const own = fewer(exampleWith('telegraphPivot'));
  const given = { ...vec2text, useBackend, readFileSync, console };
  const made = await runs(own, given, ['data', 'trainer', 'model']);
  const { model, trainer, data } = made as { [name: string]: never } & {
    model: vec2text.Vec2Text;
    trainer: vec2text.Vec2TextTrainer;
    data: vec2text.TrainingRow[];
  };
  try {
    expect(logged).toEqual([[trainer.overflow]]);
    expect(trainer.overflow.rows).toBe(0);
    for (const { source } of data) expect(texts).toContain(source);
    expect(await readFile(join(folder, 'rtt.jsonl'), 'utf8')).toContain('telegraph');
    using saved = await vec2text.loadVec2Text((await latestCheckpoint(join(folder, 'runs/mine'))) as string);
    expect(await vec2text.encodeTexts(saved, texts)).toEqual(await vec2text.encodeTexts(model, texts));

    logged.length = 0;
    const few = exampleWith('optimise(model').replace('episodes: 1200', 'episodes: 120');
    // an agent that only takes its environment: those of fma-pg are tested with it
    const OnPolicyAgent = { create: async ({ env }: { env: () => Env }) => env() };
    const { optimise, textEnv } = vec2text;
    const { agent } = (await runs(few, { model, optimise, textEnv, rng, console, OnPolicyAgent }, ['agent'])) as {
      agent: Env;
    };
    const [text, reward] = logged[0] as unknown[];
    expect(typeof text).toBe('string');
    expect(reward).toBe(String(text).includes('red') ? 1 : 0);
    const { obs } = await agent.reset();
    expect(obs).toEqual(Float32Array.of(1));
    const { info, reward: once } = await agent.step(new Float32Array(model.module.space.dim));
    expect(once).toBe(String(info.text).includes('red') ? 1 : 0);

    logged.length = 0;
    const inversion = fewer(exampleWith('hypothesizer'));
    const stages = await runs(inversion, { ...vec2text, texts, console }, ['first', 'second', 'inverter']);
    expect(logged).toEqual([
      [[expect.objectContaining({ text: expect.any(String) }), ...new Array(2).fill(expect.anything())]],
    ]);
    for (const owned of Object.values(stages)) (owned as Disposable)[Symbol.dispose]();
  } finally {
    for (const owned of [model, trainer]) owned[Symbol.dispose]();
    await rm(folder, { recursive: true });
  }
}, 60_000);
