import { runInNewContext } from 'node:vm';
import { messageOf } from './message-of.ts';

test('an error of another realm says its message, anything else itself', () => {
  expect(messageOf(runInNewContext("new TypeError('there')"))).toBe('there');
  expect([messageOf('text'), messageOf(undefined), messageOf(null), messageOf(3)]).toEqual([
    'text',
    'undefined',
    'null',
    '3',
  ]);
});
