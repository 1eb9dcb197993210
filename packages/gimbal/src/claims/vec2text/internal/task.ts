// The decision task: each of eight contexts hides an agent, a verb and a patient; an episode is one sentence.
import { type RewardFn, rng } from '@gimbal/tensor-core';
import { slotSizes } from '@gimbal/worlds';
import { contexts } from './context-model.ts';
import { world } from './language.ts';

const slots = ['agent', 'verb', 'patient'] as const;

/** What the contexts hide. */
export interface Task {
  /** Share of the three slots that are right, 0 for a text that is no sentence. Prompts are the contexts' numbers. */
  readonly reward: RewardFn;
  /** Mean reward of one text a context, and how many contexts are fully right. */
  score(texts: readonly string[]): { reward: number; met: number };
}

/** The task of a seed. */
export function decisionTask(seed: number): Task {
  const stream = rng(seed).split('task');
  const targets = Array.from({ length: contexts }, () => slots.map((slot) => stream.int(slotSizes[slot])));
  const one = (context: number, text: string): number => {
    const meaning = world.aish.sem(text);
    if (meaning === undefined) return 0;
    return slots.filter((slot, i) => meaning[slot] === targets[context]?.[i]).length / slots.length;
  };
  return {
    reward: (prompts, texts) => texts.map((text, i) => one(Number(prompts[i]), text)),
    score: (texts) => {
      const rewards = texts.map((text, context) => one(context, text));
      return {
        reward: rewards.reduce((a, b) => a + b, 0) / contexts,
        met: rewards.filter((r) => r === 1).length / contexts,
      };
    },
  };
}
