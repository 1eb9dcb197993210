import { byMessage, eventTurn } from './event-turn.ts';

/** Work on microtasks alone, until a timer has been heard. */
async function heard(turn: () => Promise<void>): Promise<boolean> {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 1);
  while (!stop.signal.aborted) await turn();
  return stop.signal.aborted;
}

test('work that awaits it hears a timer, which microtasks alone never let through', async () => {
  expect(await heard(eventTurn)).toBe(true);
});

test('in a page, which has no setImmediate, a message does it', async () => {
  expect(await heard(() => new Promise(byMessage))).toBe(true);
});
