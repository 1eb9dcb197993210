// Whether a model is an encoder-decoder, told before its weights are read: its folder says so.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @param path as `modelPath` gives it; false for a .gguf file, and for what cannot be read */
export async function isSeq2Seq(path: string): Promise<boolean> {
  try {
    const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as { model_type?: unknown };
    return config.model_type === 't5';
  } catch {
    return false; // what is wrong with it is told by whoever opens it
  }
}
