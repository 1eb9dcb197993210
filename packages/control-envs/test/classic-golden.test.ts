// Classic control and the grid worlds against Gymnasium 1.3.0 (test/golden/classic.py): the same actions from the same
// state give the same observations, rewards and terminations. 1e-6: observations are float32.
import { readFileSync } from 'node:fs';
import { type BufferedEnv, makeEnv, type TabularEnv } from '../src/index.ts';

interface Golden {
  episodes: { id: string; state: number[]; actions: number[]; rows: number[][] }[];
  tables: { id: string; table: [number, number, number, number][][][] }[];
}

const golden = JSON.parse(readFileSync(new URL('golden/classic.json', import.meta.url), 'utf8')) as Golden;

test.each(golden.episodes.map((e, i) => ({ ...e, name: `${e.id} #${i}` })))(
  '$name follows Gymnasium',
  async ({ id, state, actions, rows }) => {
    const env = (await makeEnv(id)) as BufferedEnv;
    env.reset({ seed: 0 });
    env.setState(Float64Array.from(state));
    for (const [t, action] of actions.entries()) {
      const row = rows[t] as number[];
      const { obs, reward, terminated } = env.step(env.actionSpace.kind === 'box' ? Float32Array.of(action) : action);
      const got = [...(obs as Float32Array), reward];
      for (const [i, wanted] of row.slice(0, -1).entries()) {
        expect(Math.abs((got[i] as number) - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)));
      }
      expect(terminated).toBe(row.at(-1) === 1);
    }
  },
);

test.each(golden.tables)('$id has the transition table of Gymnasium', async ({ id, table }) => {
  const { transitions } = (await makeEnv(id)) as TabularEnv;
  const rows = transitions.map((actions) =>
    actions.map((outcomes) => outcomes.map((o) => [o.probability, o.next, o.reward, o.terminated ? 1 : 0])),
  );
  expect(rows).toEqual(table);
});

test('DeepSea pays for N moves to the right and for nothing else', async () => {
  const env = (await makeEnv('DeepSea-v0', { size: 5 })) as TabularEnv;
  const play = (actions: number[]): number => {
    env.reset({ seed: 0 });
    let sum = 0;
    for (const [t, a] of actions.entries()) {
      const { reward, terminated } = env.step(a);
      sum += reward;
      expect(terminated).toBe(t === 4);
    }
    return sum;
  };
  expect(play([1, 1, 1, 1, 1])).toBeCloseTo(1 - 0.01, 12);
  expect(play([0, 0, 0, 0, 0])).toBe(0);
  expect(play([1, 1, 1, 1, 0])).toBeCloseTo((-4 * 0.01) / 5, 12);
});
