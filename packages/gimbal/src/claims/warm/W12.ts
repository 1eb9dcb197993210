// What scoring costs: the kernels that run and the tensors in memory, of the average and of the ensemble.
import { ensemble } from '@gimbal/reward-models';
import { disposeTree, flatten, type Params, type RewardFn, treeBytes } from '@gimbal/tensor-core';
import { memory, profile } from '@tensorflow/tfjs-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { verdict } from '../../reproduce/verdict.ts';
import { average, membersOf, pairsOf, score } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W12',
  claim: 'the average scores with one model’s pass and memory; an ensemble of six takes six',
  paper: '§3.1: the cost of one model at inference',
  wanted: 'exactly the kernels of one pass and the tensors of one model, against six times as many kernels',
  seeds: [0],
  async run({ seeds, signal }) {
    const seed = seeds[0] ?? 0;
    const members = await membersOf(seed, { config: 'S', swap: 0.25 }, signal);
    const { chosen } = pairsOf(seed, 0.25).test;
    const reward =
      (params: Params): RewardFn =>
      async (prompts) => [...score(params, chosen.subarray(0, prompts.length * 64))];
    const texts = Array<string>(1000).fill('');
    const kernels = async (fn: RewardFn): Promise<number> => {
      const { kernels: run } = await profile(async () => {
        await fn(texts, texts);
        return [];
      });
      return run.length;
    };
    const before = memory();
    const wa = average(members);
    const [tensors, bytes] = [memory().numTensors - before.numTensors, memory().numBytes - before.numBytes];
    const member = members[0] as Params;
    const [oneTensors, oneBytes] = [flatten(member).length, treeBytes(member)];
    const single = await kernels(reward(member));
    const [one, many] = [await kernels(reward(wa)), await kernels(ensemble(members.map(reward)))];
    disposeTree(wa);
    const measured = `${one} kernels and ${bytes} bytes, of a member ${single} and ${oneBytes}; of the ensemble ${many} kernels`;
    return verdict(measured, [], {
      pass: single > 0 && one === single && many === members.length * single,
      memory: bytes === oneBytes && tensors === oneTensors,
    });
  },
});
