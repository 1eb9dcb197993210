// Two five-legged ants, composed in code: one flees, one follows. Prints what each was paid for random moves.
import { antChase, editScene, makeScene } from '@gimbal/control-envs';
import { rng } from '@gimbal/tensor-core';

const scene = editScene(antChase({ legs: 5 }), { 'components.runner.pos': [0, 3, 0], maxSteps: 200 });
const env = await makeScene(scene, 'FiveLeggedChase-v0');
const stream = rng(0).split('actions');

const paid: { [agent: string]: number } = {};
env.reset({ seed: 0 });
for (let t = 0; t < 200; t++) {
  const actions = Object.fromEntries(
    env.agents.map(({ name, actions: own }) => [name, Float32Array.from(own, () => 2 * stream.uniform() - 1)]),
  );
  const { terminated, truncated } = env.step(env.joinActions(actions));
  for (const [i, { name }] of env.agents.entries()) paid[name] = (paid[name] ?? 0) + (env.agentRewards[i] ?? 0);
  if (terminated || truncated) break;
}
for (const [name, sum] of Object.entries(paid)) console.log(`${name}: ${sum.toFixed(1)}`);
env.close();
