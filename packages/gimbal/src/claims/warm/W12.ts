// What scoring costs: one pass for the average, one a member for the ensemble.
import { ensemble } from '@gimbal/reward-models';
import { disposeTree, type Params, type RewardFn, treeBytes } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { average, membersOf, pairsOf, score } from './internal/experiment.ts';
import { verdict } from './internal/verdict.ts';

export const claim = defineClaim({
  id: 'W12',
  claim: 'the average scores with one model’s pass and memory; an ensemble of six takes six',
  paper: '§3.1: the cost of one model at inference',
  wanted: 'exactly 1 pass and the bytes of one model, against 6 and six times the bytes',
  seeds: [0],
  async run({ seeds, signal }) {
    const seed = seeds[0] ?? 0;
    const members = await membersOf(seed, { config: 'S', swap: 0.25 }, signal);
    const { chosen } = pairsOf(seed, 0.25).test;
    let passes = 0;
    const reward =
      (params: Params): RewardFn =>
      (prompts) => {
        passes++;
        return [...score(params, chosen.subarray(0, prompts.length * 64))];
      };
    const texts = Array<string>(1000).fill('');
    const count = async (fn: RewardFn): Promise<number> => {
      passes = 0;
      await fn(texts, texts);
      return passes;
    };
    const wa = average(members);
    const [one, many] = [await count(reward(wa)), await count(ensemble(members.map(reward)))];
    const bytes = [treeBytes(wa), members.reduce((sum, m) => sum + treeBytes(m), 0)] as const;
    const single = treeBytes(members[0] as Params);
    disposeTree(wa);
    return verdict(`${one} pass and ${bytes[0]} bytes, against ${many} and ${bytes[1]}`, [], {
      passes: one === 1 && many === members.length,
      bytes: bytes[0] === single && bytes[1] === members.length * single,
    });
  },
});
