import { actionChoices, actionMaskFault, givenActionMask } from './action-mask.ts';

const where = (): string => 'info.actionMask';
const fault = (mask: unknown, choices: readonly number[] | undefined = [2, 3]): string | undefined =>
  actionMaskFault(mask, choices, where)?.message;

test('choices of every kind of action', () => {
  expect(actionChoices({ kind: 'discrete', n: 3 })).toEqual([3]);
  expect(actionChoices({ kind: 'multi-discrete', nvec: [2, 3] })).toEqual([2, 3]);
  expect(actionChoices({ kind: 'multi-binary', shape: [2, 2] })).toEqual([2, 2, 2, 2]);
  const [low, high] = [new Float64Array(1), new Float64Array(1)];
  expect(actionChoices({ kind: 'box', shape: [1], dtype: 'float32', low, high })).toBeUndefined();
});

test('flags of any kind are read as 1 and 0, where they are wanted', () => {
  for (const mask of [[1, 0, true, false, 1], Uint8Array.of(1, 0, 1, 0, 1), Float32Array.of(1, 0, 1, 0, 1)]) {
    const out = new Uint8Array(7).fill(9);
    expect(actionMaskFault(mask, [2, 3], where, { out, at: 1 })).toBeUndefined();
    expect([...out]).toEqual([9, 1, 0, 1, 0, 1, 9]);
  }
});

test.each<[unknown, string]>([
  [[1, 1], 'wrong length; got 2, wanted 5'],
  [
    [1, 0.5, 1, 0, 0],
    'entry 1 says neither; got 0.5, wanted 1 or true where the action is allowed, 0 or false elsewhere',
  ],
  [[1, 0, 1, '0', 0], 'entry 3 says neither; got "string 0"'],
  [[1, 0, 1, 0, Number.NaN], 'entry 4 says neither; got NaN'],
  [[1, 1, 0, 0, 0], 'every action of component 1 is masked; wanted at least one that is allowed'],
  ['11111', 'it is no list; got "a string", wanted 5 of 0 or 1. Leave actionMask out where every action is allowed.'],
  [null, 'it is no list; got "null"'],
])('%j is no mask', (mask, message) => {
  expect(fault(mask)).toContain(`info.actionMask: ${message}`);
});

test('after an end nothing need be allowed, and where there are no choices nothing can be', () => {
  expect(actionMaskFault([0, 0, 0, 0, 0], [2, 3], where, { mayBeEmpty: true })).toBeUndefined();
  expect(actionMaskFault([0, 0, 0], [2, 3], where, { mayBeEmpty: true })?.code).toBe('ERR_CONFIG');
  expect(actionMaskFault([1], undefined, where)?.message).toContain('it masks an action without choices');
});

test('a mask under the name that others give it is refused, not overlooked', () => {
  const mask = Uint8Array.of(1, 0);
  expect(givenActionMask({ actionMask: mask, action_mask: mask }, where)).toBe(mask);
  expect(givenActionMask({}, where)).toBeUndefined();
  expect(givenActionMask(undefined, where)).toBeUndefined();
  expect(() => givenActionMask({ action_mask: mask }, where)).toThrow('Name it actionMask');
});
