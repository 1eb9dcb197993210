// Questions and answers by hand.
import { newestFirst } from './newest.ts';

test('of questions that come while one is answered the newest alone is asked', async () => {
  const asked: { question: string; answer(text: string): void; fail(error: Error): void }[] = [];
  const ask = newestFirst(
    (question: string) =>
      new Promise<string>((answer, fail) => {
        asked.push({ question, answer, fail });
      }),
  );
  const [a, b, c] = ['a', 'b', 'c'].map(ask) as [Promise<string>, Promise<string>, Promise<string>];
  // dropped at once, while a is still answered
  expect(await b).toBeUndefined();
  expect(asked.map(({ question }) => question)).toEqual(['a']);
  asked[0]?.answer('A');
  expect(await a).toBe('A');
  await Promise.resolve();
  expect(asked.map(({ question }) => question)).toEqual(['a', 'c']);
  const d = ask('d');
  // a question that fails does not stop the next
  asked[1]?.fail(new Error('no'));
  await expect(c).rejects.toThrow('no');
  await Promise.resolve();
  asked[2]?.answer('D');
  expect(await d).toBe('D');
  const e = ask('e');
  expect(asked.map(({ question }) => question)).toEqual(['a', 'c', 'd', 'e']);
  asked[3]?.answer('E');
  expect(await e).toBe('E');
});
