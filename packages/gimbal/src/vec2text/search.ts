// gimbal vec2text optimise: a text that a reward likes, searched for in the space.
import { ConfigError, rng } from '@gimbal/tensor-core';
import type { CommandResult } from '../cli/command.ts';
import { Progress } from '../cli/progress.ts';
import { checkWithoutAnswers, openSum } from '../rl/reward.ts';
import { startCompute } from '../run/compute.ts';
import { refuseOtherThanLines, refuseReplacing } from '../run/out-file.ts';
import { openModel } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { giveRows } from './written.ts';

export async function optimiseText(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  const where = 'gimbal vec2text optimise --reward';
  if (o.reward === undefined)
    throw new ConfigError({ where, what: 'what is a good text?', wanted: 'a module, or a reward of gimbal rl' });
  const fix = 'Give a module, export default (prompts, texts) => texts.map(score)';
  checkWithoutAnswers(o.reward, where, { what: 'there is no answer to compare with', fix });
  if (o.out !== undefined) {
    refuseOtherThanLines('vec2text optimise', o.out);
    await refuseReplacing('vec2text optimise', o.out);
  }
  const compute = await startCompute(o);
  const { optimise } = await import('@gimbal/vec2text');
  const { model } = await openModel(context, 'optimise');
  using _ = model;
  const reward = await openSum(o.reward, { where });
  const search = optimise(model, reward, {
    ...{ episodes: o.episodes, population: o.population, elite: o.elite, smoothing: o.smoothing, floor: o.floor },
    ...(o.prompt !== undefined && { prompt: o.prompt }),
    ...{ rng: rng(o.seed).split('optimise'), signal },
  });
  const progress = new Progress(output, 'search');
  for (;;) {
    const next = await search.next();
    if (!next.done) {
      const { episodes, reward: mean, best } = next.value;
      const text = `reward ${mean.toFixed(3)}, best ${best.toFixed(3)}`;
      progress.update({ step: episodes, total: o.episodes, text });
      continue;
    }
    const { text, reward: best, z, mean } = next.value;
    progress.done(`reward ${best.toFixed(3)}`);
    await compute.trace(output);
    // the mean is where the search ended; no reward has seen its text
    const rows = [
      { text, reward: best, code: Array.from(z) },
      { text: mean.text, reward: null, code: Array.from(mean.z) },
    ];
    return giveRows(rows.slice(0, output.json || o.out !== undefined ? 2 : 1), (row) => row.text, context);
  }
}
