// An embedder of a folder: a sentence encoder such as MiniLM, or a model of gimbal vec2text.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigError, disposeTree } from '@gimbal/tensor-core';
import type { Embedder } from '@gimbal/vec2text';
import { isFolder, openFrom } from './open.ts';

/** Opens it; `close` frees its weights. */
export async function openEmbedder(folder: string): Promise<{ embedder: Embedder; close(): void }> {
  const inRun = join(folder, 'model');
  const path = (await isFolder(inRun)) ? inRun : folder;
  const text = await readFile(join(path, 'config.json'), 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new ConfigError({
      where: 'gimbal vec2text --embedder',
      what: 'the folder holds no model',
      got: folder,
      wanted: 'config.json and weights',
    });
  const weights = await readFile(join(path, 'model.safetensors')).catch(() => Buffer.from(text));
  const hash = createHash('sha256').update(text).update(weights).digest('hex').slice(0, 16);
  const name = basename(folder);
  if ((JSON.parse(text) as { model_type?: string }).model_type === 'gimbal-vec2text') {
    const { encodeTexts } = await import('@gimbal/vec2text');
    const { model } = await openFrom(path);
    return {
      embedder: { name, dim: model.module.space.dim, hash, embed: (texts, o) => encodeTexts(model, texts, o) },
      close: () => model.dispose(),
    };
  }
  const lm = await import('@gimbal/language-models');
  const { model, params, tokenizer, pooling } = await lm.loadEncoder(path);
  if (tokenizer === undefined)
    throw new ConfigError({ where: 'gimbal vec2text --embedder', what: 'it has no tokenizer', got: path });
  return {
    embedder: {
      name,
      dim: model.config.width,
      hash,
      embed: async (texts) => {
        const out = new Float32Array(texts.length * model.config.width);
        const vectors = await lm.embedTexts(model, params, tokenizer, texts, pooling);
        for (const [i, vector] of vectors.entries()) out.set(vector, i * model.config.width);
        return out;
      },
    },
    close: () => disposeTree(params),
  };
}
