import { makeEnv } from '@gimbal/control-envs';
import { evaluate, linear, OnPolicyAgent, surrogates } from '@gimbal/fma-pg';
import { useBackend } from '@gimbal/tensor-core';

await useBackend('auto');
const agent = await OnPolicyAgent.create({
  env: () => makeEnv('CartPole-v1'),
  numEnvs: 8,
  rollout: 32,
  epochs: 20,
  minibatches: 1,
  gamma: 0.98,
  gaeLambda: 0.8,
  learningRate: linear(1e-3, 0),
  surrogate: surrogates.ppoClip(),
  seed: 1,
});
for await (const m of agent.train({ steps: 50_000 }))
  if (m.step % 5120 === 0 && m.episodes > 0) console.log(m.step, m.episodeReturn.toFixed(0));
const { mean, ci95 } = await evaluate(agent, { episodes: 20, seed: 7 });
console.log(`return ${mean} [${ci95.join(', ')}]`);
agent.dispose();
