// Checkpoints along one fine-tuning have one architecture and one tokenizer: what is averaged is read with those of the last.
import { isDeepStrictEqual } from 'node:util';
import type { Classifier, Tokenizer } from '@gimbal/language-models';
import { CheckpointError } from '@gimbal/tensor-core';

/** A model to start from. */
export interface Start {
  model: Pick<Classifier, 'config'>;
  tokenizer: Pick<Tokenizer, 'json'>;
}

/** @throws CheckpointError naming the folder and the first key in which it differs from the last */
export function refuseOtherStarts(folders: readonly string[], starts: readonly Start[]): void {
  const last = starts.at(-1) as Start;
  starts.forEach(({ model, tokenizer }, i) => {
    const where = `gimbal warm --model ${folders[i]}`;
    const fix = `Give checkpoints of one fine-tuning: the last is ${folders.at(-1)}`;
    const [mine, others] = [model.config, last.model.config] as unknown as Record<string, unknown>[];
    const key = Object.keys({ ...mine, ...others }).find((name) => !isDeepStrictEqual(mine?.[name], others?.[name]));
    if (key !== undefined) {
      const [got, wanted] = [String(mine?.[key]), String(others?.[key])];
      throw new CheckpointError({ where, what: `its ${key} differs from the last one's`, got, wanted, fix });
    }
    const [a, b] = [tokenizer.json, last.tokenizer.json] as unknown as Record<string, unknown>[];
    const part = Object.keys({ ...a, ...b }).find((name) => !isDeepStrictEqual(a?.[name], b?.[name]));
    if (part === undefined) return;
    throw new CheckpointError({ where, what: `its tokenizer differs from the last one's in ${part}`, fix });
  });
}
