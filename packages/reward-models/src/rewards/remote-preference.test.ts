import { remotePreference } from './remote-preference.ts';

const url = 'http://localhost:1/compare';
type Body = { prompts: string[]; a: string[]; b: string[]; rows?: unknown[] };

/** A server that gives the answers that it was given, then prefers the longer text. */
function server(...answers: string[]) {
  const seen: Body[] = [];
  const fetch = (async (_: string, { body }: { body: string }) => {
    const asked = JSON.parse(body) as Body;
    seen.push(asked);
    const preferences = asked.a.map((x, i) => (x.length > (asked.b[i] as string).length ? 0.75 : 0.25));
    return new Response(answers.shift() ?? JSON.stringify({ preferences }));
  }) as unknown as typeof globalThis.fetch;
  return { fetch, seen };
}

test('asks with both texts, each pair in its order once', async () => {
  const { fetch, seen } = server();
  const preference = remotePreference(url, { fetch });
  expect(await preference(['p', 'p', 'p'], ['aa', 'b', 'aa'], ['b', 'aa', 'b'], ['p', 'p', 'p'])).toEqual([
    0.75, 0.25, 0.75,
  ]);
  expect(seen).toEqual([{ prompts: ['p', 'p'], a: ['aa', 'b'], b: ['b', 'aa'], rows: ['p', 'p'] }]);
  expect(await preference(['p'], ['aa'], ['b'])).toEqual([0.75]);
  expect(seen).toHaveLength(1);
});

test('refuses what is no probability, and does not remember it', async () => {
  for (const [answer, expected] of [
    ['{"preferences":[1.5]}', /compare, row 0: no probability; got 1.5, wanted .*numbers from 0 to 1/],
    ['{"preferences":[null]}', /row 0: no probability; got null/],
    ['{"preferences":[1,1]}', /other preferences than were asked for; got "2 preferences"/],
    ['{"rewards":[1]}', /other preferences/],
  ] as const) {
    const { fetch, seen } = server(answer);
    const preference = remotePreference(url, { fetch, waitMs: 0 });
    await expect(preference(['p'], ['aa'], ['b'])).rejects.toThrow(expected);
    expect(await preference(['p'], ['aa'], ['b'])).toEqual([0.75]);
    expect(seen).toHaveLength(2);
  }
  await expect(remotePreference(url, server())(['p'], ['a'], [])).rejects.toThrow(
    /prompts and a and b differ in number; got 0, wanted 1/,
  );
  expect(() => remotePreference('judge.mjs')).toThrow(/remotePreference: no address of a server; got "judge.mjs"/);
  expect(() => remotePreference(url, { retries: -1 })).toThrow(/remotePreference.retries: out of range; got -1/);
});
