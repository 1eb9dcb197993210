// The commands a reader may want after a run.
import type { StageRecord } from '../pipeline/run-stages.ts';
import { shellWord } from '../run/again.ts';
import type { RunFolder } from '../run/run-folder.ts';
import type { CommandsPart } from './part.ts';

/** Commands that work as they stand: paths of this run, a prompt of its data. */
export function nextSteps(
  { path: runDir, config }: Pick<RunFolder, 'path' | 'config'>,
  records: readonly StageRecord[],
  options: { readonly [name: string]: unknown },
): CommandsPart {
  // the newsroom has little to gain by size, so there the size is named
  const columns = Object.entries((options.columns ?? {}) as { [column: string]: string }).map(
    ([to, from]) => `${to}=${from}`,
  );
  const named = columns.length === 0 ? '' : ` --columns ${shellWord(columns.join(','))}`;
  const longer = typeof options.data === 'string' ? `--data ${shellWord(options.data)}${named}` : '--size small';
  const sample = records.find((r) => r.stage.name === 'sample')?.result.value as { prompt?: string } | undefined;
  const prompt = sample?.prompt === undefined || sample.prompt.length > 120 ? 'your prompt' : sample.prompt;
  const shell = `"${prompt.replace(/["$`\\]/g, '\\$&').replaceAll('\n', ' ')}"`;
  return {
    kind: 'commands',
    title: 'Commands',
    items: [
      { text: 'Write with the model:', command: `npx gimbal generate --model ${runDir}/model --prompt ${shell}` },
      {
        text: 'Fine-tune it on rows of your own:',
        command: `npx gimbal align --model ${runDir}/model --data my.jsonl --columns prompt=question,completion=answer`,
      },
      { text: 'Train longer, or a larger model:', command: `npx gimbal align ${longer} --minutes 30` },
      ...(config.again === undefined ? [] : [{ text: 'Train this very model again:', command: config.again }]),
      {
        text: 'Use it from Python:',
        command: `python -c "from transformers import pipeline; print(pipeline('text-generation', '${runDir}/model')(${shell.replaceAll('"', "'")}))"`,
      },
      { text: 'See the curves in TensorBoard:', command: `tensorboard --logdir ${runDir}/stages` },
    ],
  };
}
