import type { RunConfig } from './run-folder.ts';
import { TrainingTime } from './training-time.ts';

test('parts of a run add up, the one that was stopped included', async () => {
  let config = {} as RunConfig;
  const run = {
    get config() {
      return config;
    },
    async update(parts: Partial<RunConfig>) {
      config = { ...config, ...parts };
    },
  };
  const part = (): Promise<void> => new Promise((done) => setTimeout(done, 20));
  const first = new TrainingTime(run);
  await expect(first.of(part().then(() => Promise.reject(new Error('stopped'))))).rejects.toThrow('stopped');
  expect(first.seconds).toBeGreaterThan(0);
  expect(config.trainedSeconds).toBe(first.seconds);
  const second = new TrainingTime(run);
  expect(second.seconds).toBe(first.seconds);
  await second.of(part());
  expect(second.seconds).toBeGreaterThan(first.seconds);
  expect(config.trainedSeconds).toBe(second.seconds);
});
