import { entailmentReward } from '../entailment/entailment-reward.ts';
import type { RemoteOptions } from './ask-server.ts';
import { remoteJudge, remoteReward } from './remote-reward.ts';

const url = 'http://localhost:1/score';
type Body = { prompts: string[]; completions: string[]; rows?: unknown[] };

/** A server that answers with what `answers` say, one after the other, then with lengths. */
function server(...answers: (number | string | Error)[]) {
  const seen: Body[] = [];
  const fetch = (async (_: string, { body }: { body: string }) => {
    seen.push(JSON.parse(body) as Body);
    const next = answers.shift();
    if (next instanceof Error) throw next;
    if (typeof next === 'number') return new Response('busy', { status: next });
    const rewards = (seen.at(-1) as Body).completions.map((text) => (text === '?' ? null : text.length));
    return new Response(next ?? JSON.stringify({ rewards }));
  }) as unknown as NonNullable<RemoteOptions['fetch']>;
  return { fetch, seen };
}

test('asks in batches, each question once, and remembers the latest answers', async () => {
  const { fetch, seen } = server();
  const reward = remoteReward(url, { fetch, batchSize: 2, cacheSize: 2 });
  expect(await reward(['p', 'p', 'p', 'q'], ['a', 'bb', 'a', '?'], [{ prompt: 'p' }, 'p', 'p', 'q'])).toEqual([
    1,
    2,
    1,
    null,
  ]);
  expect(seen.map(({ completions }) => completions)).toEqual([['a', 'bb'], ['?']]);
  expect(seen[0]?.rows).toEqual([{ prompt: 'p' }, 'p']);
  expect(await reward(['q', 'p'], ['?', 'bb'])).toEqual([null, 2]);
  expect(seen).toHaveLength(2);
  expect(await reward(['p'], ['a'])).toEqual([1]); // the oldest is forgotten
  expect(seen).toHaveLength(3);
});

test('asks again where that may help, and says why it gave up', async () => {
  const good = server(503, new Error('reset'), 429);
  expect(await remoteReward(url, { fetch: good.fetch, waitMs: 0 })(['p'], ['abc'])).toEqual([3]);
  expect(good.seen).toHaveLength(4);
  const busy = server(500, 500, 500);
  await expect(remoteReward(url, { fetch: busy.fetch, waitMs: 0, retries: 2 })(['p'], ['a'])).rejects.toThrow(
    /localhost:1\/score: the server gives no rewards; got "status 500"/,
  );
  const refused = server(401);
  await expect(remoteReward(url, { fetch: refused.fetch, waitMs: 0 })(['p'], ['a'])).rejects.toThrow(/status 401/);
  expect(refused.seen).toHaveLength(1);
});

test('refuses answers that are none, without asking again', async () => {
  for (const [answer, expected] of [
    ['nonsense', /the answer is not JSON; got "nonsense"/],
    ['{"rewards":[1,2]}', /other rewards than were asked for; got "2 rewards"/],
    ['{"rewards":["a"]}', /row 0: a reward is no number; got "a"/],
    ['null', /other rewards/],
  ] as const) {
    const { fetch, seen } = server(answer);
    await expect(remoteReward(url, { fetch, waitMs: 0 })(['p'], ['a'])).rejects.toThrow(expected);
    expect(seen).toHaveLength(1);
  }
  expect(() => remoteReward('file.mjs')).toThrow(/no address of a server; got "file.mjs"/);
  expect(() => remoteReward(url, { batchSize: 0 })).toThrow(/batchSize: out of range; got 0/);
});

test('a judge behind a server is a judge', async () => {
  const good = server('{"rewards":[-0.5,-2]}');
  const judged = entailmentReward(remoteJudge(url, { fetch: good.fetch }));
  expect((await judged(['a', 'b'], ['x', 'y'])).map((p) => Math.round((p as number) * 1e6) / 1e6)).toEqual([-0.5, -2]);
  await expect(remoteJudge(url, { fetch: server('{"rewards":[0.5]}').fetch }).logProb(['a'], ['x'])).rejects.toThrow(
    /row 0: out of range; got 0.5, wanted a logarithm/,
  );
});
