import { ConfigError, type LoopOptions } from '@gimbal/tensor-core';

/** @throws ConfigError for options of checkpoints where none is written */
export function checkSaved(where: string, o: Pick<LoopOptions, 'out' | 'checkpointEvery' | 'keepCheckpoints'>): void {
  if (o.out !== undefined) return;
  for (const name of ['checkpointEvery', 'keepCheckpoints'] as const) {
    if (o[name] === undefined) continue;
    const fix = 'Give out, the folder of the checkpoints';
    throw new ConfigError({ where: `${where}.${name}`, what: 'it has no effect', got: o[name], fix });
  }
}
