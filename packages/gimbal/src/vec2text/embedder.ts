// An embedder of a folder: a sentence encoder such as MiniLM, or a model of gimbal vec2text.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigError, disposeTree } from '@gimbal/tensor-core';
import type { Embedder } from '@gimbal/vec2text';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import { isFolder, openFrom } from './open.ts';
import type { Vec2TextContext } from './options.ts';

/** Opens it; `close` frees its weights. @param named a folder, a name on the hub, or the folder of a run */
export async function openEmbedder(
  named: string,
  { output, signal }: Vec2TextContext,
): Promise<{ embedder: Embedder; close(): void }> {
  const where = 'gimbal vec2text invert --embedder';
  const path = await modelPath(named, where, hubOptions(output, signal));
  const text = await readFile(join(path, 'config.json'), 'utf8').catch((cause) => {
    throw new ConfigError({
      where,
      what: 'the folder holds no model',
      got: path,
      wanted: 'config.json and weights',
      cause,
    });
  });
  const hash = await hashOf(path);
  const name = basename(named);
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
  if (tokenizer === undefined) throw new ConfigError({ where, what: 'it has no tokenizer', got: path });
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

/** Tells a model's folder from others: by its weights, of however many files, its tokenizer, pooling and configuration. */
async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const inside of ['', '1_Pooling']) {
    if (!(await isFolder(join(folder, inside)))) continue;
    const names = (await readdir(join(folder, inside))).filter((name) => /\.(?:json|safetensors)$/.test(name));
    for (const name of names.sort()) {
      hash.update(join(inside, name));
      for await (const bytes of createReadStream(join(folder, inside, name))) hash.update(bytes as Buffer);
    }
  }
  return hash.digest('hex').slice(0, 16);
}
