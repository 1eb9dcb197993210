// GIMBAL_THREADS, which is read when the package is loaded: a useless one changes nothing.
import { defaultThreads, startingThreads } from './threads.ts';

test.each(['1', '3', '256'])('GIMBAL_THREADS=%s is taken', (setting) => {
  expect(startingThreads(setting)).toBe(Number(setting));
});

test.each([undefined, '', '0', '-1', '0.5', '1.5', '257', '1e9', 'Infinity', 'NaN', 'many'])(
  'GIMBAL_THREADS=%s leaves the default',
  (setting) => {
    expect(startingThreads(setting)).toBe(defaultThreads());
  },
);

test('the package starts with it', async () => {
  const { GIMBAL_THREADS: before } = process.env;
  process.env.GIMBAL_THREADS = '1e9';
  try {
    const { isNativeAvailable, nativeInfo } = await import('./index.ts');
    if (isNativeAvailable()) expect(nativeInfo()?.threads).toBe(defaultThreads());
  } finally {
    if (before === undefined) delete process.env.GIMBAL_THREADS;
    else process.env.GIMBAL_THREADS = before;
  }
});
