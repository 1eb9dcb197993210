// An embedder of a folder: a sentence encoder such as MiniLM, or a model of gimbal vec2text.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigError, disposeTree, StoppedError } from '@gimbal/tensor-core';
import type { Embedder, Vec2Text } from '@gimbal/vec2text';
import { counted } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import { orNamedRun } from '../run/named-run.ts';
import { isFolder, modelIn, openFrom, optionsOfRun } from './open.ts';
import type { Vec2TextContext } from './options.ts';

/** texts that are embedded together; between two such pieces progress is shown, and Ctrl-C stops */
const together = 512;

/** An embedder, and what frees its weights. */
export interface OpenEmbedder {
  embedder: Embedder;
  /** of a model of this command: an inverter that speaks its words writes what it can read */
  own?: Pick<Vec2Text, 'module' | 'tokenizer'>;
  close(): void;
}

/** Opens it. @param given a folder, a name on the hub, or a run by its folder or name */
export async function openEmbedder(given: string, { output, signal }: Vec2TextContext): Promise<OpenEmbedder> {
  const named = orNamedRun(given);
  const where = 'gimbal vec2text invert --embedder';
  const path =
    (await optionsOfRun(named)) === undefined
      ? await modelPath(named, where, hubOptions(output, signal))
      : await modelIn(named, where, output);
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
  if (typeOf(text, path) === 'gimbal-vec2text') {
    const { model } = await openFrom(path, where, output);
    return { embedder: await embedderOf(model, { name, hash }), own: model, close: () => model.dispose() };
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
        const { width } = model.config;
        const out = new Float32Array(texts.length * width);
        const progress = new Progress(output, 'embedding');
        for (let at = 0; at < texts.length; at += together) {
          if (signal.aborted) throw new StoppedError({ where, what: `stopped after ${counted(at, 'text')}` });
          const vectors = await lm.embedTexts(model, params, tokenizer, texts.slice(at, at + together), pooling);
          for (const [i, vector] of vectors.entries()) out.set(vector, (at + i) * width);
          if (texts.length > together) progress.update({ step: at + vectors.length, total: texts.length });
        }
        return out;
      },
    },
    close: () => disposeTree(params),
  };
}

/** What a config.json says that the model is. @throws ConfigError */
function typeOf(text: string, folder: string): string | undefined {
  try {
    return (JSON.parse(text) as { model_type?: string } | null)?.model_type;
  } catch (cause) {
    const where = 'gimbal vec2text invert --embedder';
    throw new ConfigError({ where, what: 'its config.json is no JSON: the file is damaged', got: folder, cause });
  }
}

/** A model of vec2text as an embedder. A guess may be longer than it reads: as embedders do, it reads the beginning. */
export async function embedderOf(model: Vec2Text, o: Pick<Embedder, 'name' | 'hash'>): Promise<Embedder> {
  const { encodeTexts } = await import('@gimbal/vec2text');
  const { module, tokenizer } = model;
  const most = module.config.maxLength - 1;
  const cut = (text: string): string => {
    const ids = tokenizer.encodeText(text);
    let short = text;
    // half a character, or half a word, may be more tokens when it is read again
    for (let n = most; n > 0 && tokenizer.encodeText(short).length > most; n--)
      short = tokenizer.decodeIds(ids.subarray(0, n));
    return short;
  };
  return { ...o, dim: module.space.dim, embed: (texts, how) => encodeTexts(model, texts.map(cut), how) };
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
