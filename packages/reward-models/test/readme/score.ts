import { loadReward, rewardFn } from '@gimbal/reward-models';
import { disposeTree, useBackend } from '@gimbal/tensor-core';

await useBackend('auto');
// what `gimbal reward` left in its run; `gimbal warm` leaves its average in runs/warm-1/warm/model
const { model, params, tokenizer, notes } = await loadReward('runs/reward-1/model', { kind: 'bradley-terry' });
const reward = rewardFn(model, params, tokenizer, notes.templated ? { templated: true } : {});

const [good, bad] = await reward(['the nurse', 'the nurse'], [' hid the coat', ' bought the nurse']);
console.log(good, bad, 1 / (1 + Math.exp(-((good ?? 0) - (bad ?? 0)) / (notes.temperature ?? 1)))); // P(the first is better)
disposeTree(params);
