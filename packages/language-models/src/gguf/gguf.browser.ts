// GGUF files in a page: behind an address, read by ranges, or chosen by the user.
import { type ByteSource, blobSource, urlSource } from '@gimbal/tensor-core';
import type { Pretrained } from '../pretrained/read-pretrained.ts';
import { type GgufOptions, readGguf } from './read-gguf.ts';

/**
 * Opens a GGUF file (see `readGguf` for what it may hold); weights become float32, or stay in their blocks if asked.
 * @param from an address, relative ones count from the page; or a Blob, such as a chosen file
 * @throws CheckpointError for a server that refuses, a damaged file, or an architecture, type or tokenizer that is not known
 * here
 * @example
 * const { model, params, tokenizer } = await loadGguf('/models/SmolLM2-135M-Instruct.Q4_1.gguf');
 */
export async function loadGguf(from: string | URL | Blob, o?: GgufOptions): Promise<Pretrained> {
  const source = await sourceOf(from);
  try {
    return await readGguf(source, o);
  } finally {
    await source.close();
  }
}

const sourceOf = async (from: string | URL | Blob): Promise<ByteSource> =>
  typeof from === 'string' || 'href' in from
    ? urlSource(new URL(String(from), globalThis.location?.href).href)
    : blobSource(from);
