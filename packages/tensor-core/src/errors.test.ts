import { ConfigError, DataError, GimbalError, nearest, ShapeError } from './errors.ts';

test('the message is built from the data', () => {
  const error = new ShapeError({
    where: 'linear',
    what: 'the inner sizes differ',
    got: [2, 3],
    wanted: [3, 4],
    fix: 'transpose the weight or pass weightLayout',
  });
  expect(error.message).toBe(
    'linear: the inner sizes differ; got [2,3], wanted [3,4]. transpose the weight or pass weightLayout.',
  );
  expect(error).toMatchObject({ name: 'ShapeError', code: 'ERR_SHAPE', where: 'linear', got: [2, 3], wanted: [3, 4] });
  expect(error instanceof GimbalError).toBe(true);
});

test('absent parts are left out', () => {
  expect(new DataError({ where: 'a.jsonl:3', what: 'not JSON' }).message).toBe('a.jsonl:3: not JSON');
  expect(new ConfigError({ where: 'steps', what: 'not a whole number', got: 10.5 }).message).toBe(
    'steps: not a whole number; got 10.5',
  );
  expect(new ConfigError({ where: 'x', what: 'bad', got: Number.NaN, wanted: 'a finite number' }).message).toBe(
    'x: bad; got NaN, wanted a finite number',
  );
});

test('a question keeps its mark', () => {
  const error = new ConfigError({
    where: 'train --env',
    what: 'which environment?',
    fix: 'For example --env CartPole-v1',
  });
  expect(error.message).toBe('train --env: which environment? For example --env CartPole-v1.');
  expect(new ConfigError({ where: 'x', what: 'which one?', got: 2, fix: 'Is it here?' }).message).toBe(
    'x: which one? got 2. Is it here?',
  );
});

test('a long or cyclic value does not fill the screen or throw', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  expect(new ConfigError({ where: 'x', what: 'bad', got: cyclic }).message).toBe('x: bad; got [object Object]');
  const deep = JSON.parse(`${'{"a":['.repeat(1e5)}1${']}'.repeat(1e5)}`) as unknown;
  expect(new ConfigError({ where: 'x', what: 'bad', got: deep }).message).toBe('x: bad; got {"a":[{"a":["…"]}]}');
  expect(new ConfigError({ where: 'x', what: 'bad', got: 'y'.repeat(1000) }).message.length).toBeLessThan(250);
});

test('the cause is kept', () => {
  const cause = new Error('underneath');
  expect(new DataError({ where: 'x', what: 'unreadable', cause }).cause).toBe(cause);
});

test('nearest finds what a misspelt name meant', () => {
  const known = ['native', 'node-gpu', 'node', 'webgpu', 'wasm', 'cpu'];
  expect(nearest('natve', known)).toBe('native');
  expect(nearest('WASM', known)).toBe('wasm');
  expect(nearest('wsam', known)).toBe('wasm');
  expect(nearest('node_gpu', known)).toBe('node-gpu');
  expect(nearest('something else', known)).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
});
