// Memory over a long run: an environment whose contacts are read, sixteen copies on all cores, and pictures. Prints what
// was in use at ten points, and what it grew by after the third; exits with 1 if that is more than the limits below.
//   node --expose-gc packages/control-envs/scripts/long-run.mjs [steps = 1000000] [id = Hopper-v5]
import { makeEnv, makeVectorEnv } from '@gimbal/control-envs';

const [steps, id] = [Number(process.argv[2] ?? 1_000_000), process.argv[3] ?? 'Hopper-v5'];
const copies = 16;
/** growth that is noise: the collector's and the allocator's reserves */
const limits = { heapMB: 2, engineMB: 0, residentMB: 24 };

const env = await makeEnv(id);
const envs = await makeVectorEnv(id, { numEnvs: copies, workers: 'auto' });
const { low, high } = env.actionSpace;
const draw = (i, t) => low[i] + (high[i] - low[i]) * (0.5 + 0.5 * Math.sin(12.9898 * i + 78.233 * t));
const action = new Float32Array(low.length);
const actions = new Float32Array(copies * low.length);
const picture = new Uint8Array(64 * 64 * 3);
env.reset({ seed: 0 });
await envs.reset({ seed: 0 });

const samples = [];
let contacts = 0;
/** a tenth of the steps: half by one environment with results of its own, half by the copies */
const part = steps / 10;
for (let tenth = 0; tenth <= 10; tenth++) {
  if (tenth > 0) {
    for (let t = 0; t < part / 2; t++) {
      for (let i = 0; i < action.length; i++) action[i] = draw(i, t);
      const { terminated, truncated } = env.step(action);
      if (terminated || truncated) env.reset();
      if (t % 50 === 0) env.render({ width: 64, height: 64, out: picture });
      if (env.sim.contactCount > 0) contacts += env.sim.contacts().length;
    }
    for (let t = 0; t < part / 2 / copies; t++) {
      for (let i = 0; i < actions.length; i++) actions[i] = draw(i % low.length, t + i);
      await envs.step(actions);
    }
  }
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const use = {
    heapMB: heapUsed / 2 ** 20,
    engineMB: env.sim.qpos.buffer.byteLength / 2 ** 20,
    residentMB: rss / 2 ** 20,
  };
  samples.push(use);
  const line = Object.entries(use).map(([name, mb]) => `${name} ${mb.toFixed(1)}`);
  console.error(`${String(tenth * part).padStart(9)} steps  ${line.join('  ')}`);
}
// compiled code and buffers grow during the first parts
const [from, to] = [samples[3], samples[10]];
const growth = Object.fromEntries(Object.keys(limits).map((name) => [name, to[name] - from[name]]));
console.log(JSON.stringify({ id, steps, contacts, growth }));
envs.close();
env.close();
process.exitCode = Object.entries(limits).every(([name, most]) => growth[name] <= most) ? 0 : 1;
