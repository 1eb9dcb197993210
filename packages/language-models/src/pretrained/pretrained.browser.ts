// A model folder behind an address, read by fetch: in a page, where there are no paths.
import { CheckpointError, openSafetensors } from '@gimbal/tensor-core';
import { loadGguf } from '../gguf/gguf.browser.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type ModelSource, type Pretrained, readPretrained, readTokenizer } from './read-pretrained.ts';

const index = 'model.safetensors.index.json';

/**
 * Opens the model folder, or the .gguf file, at an address; weights are read by range requests where the server answers
 * them.
 * @param address of the folder or file; relative ones count from the page
 * @throws CheckpointError for a missing or damaged file, an architecture that is not known here, or tensors that are not
 * the config's
 * @example
 * const { model, params, tokenizer } = await loadPretrained('/models/newsroom/');
 */
export async function loadPretrained(address: string | URL): Promise<Pretrained> {
  return /\.gguf(?:[?#]|$)/.test(String(address)) ? loadGguf(address) : readPretrained(addressSource(address));
}

/**
 * Reads the tokenizer of the model folder at an address.
 * @throws CheckpointError for a missing or malformed file
 */
export async function loadTokenizer(address: string | URL): Promise<Tokenizer>;
/**
 * Reads the tokenizer of the model folder at an address.
 * @param required false: undefined where there is none
 * @throws CheckpointError for a malformed file
 */
export async function loadTokenizer(address: string | URL, required: boolean): Promise<Tokenizer | undefined>;
export async function loadTokenizer(address: string | URL, required = true): Promise<Tokenizer | undefined> {
  return readTokenizer(addressSource(address), required);
}

/** The files of a model behind an address. */
export function addressSource(address: string | URL): ModelSource {
  // a folder with or without its slash
  const base = new URL(String(address).replace(/\/?$/, '/'), globalThis.location?.href);
  const source: ModelSource = {
    where: (file) => new URL(file, base).href,
    async text(file) {
      const response = await fetch(new URL(file, base));
      // servers of single-page programs answer a missing file with the page
      const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
      if (response.status === 404 || isPage) return undefined;
      if (response.ok) return response.text();
      const where = source.where(file);
      throw new CheckpointError({ where, what: 'the server refused', got: response.status, wanted: '200' });
    },
    async weights() {
      const isSharded = (await source.text(index)) !== undefined;
      return openSafetensors(new URL(isSharded ? index : 'model.safetensors', base));
    },
  };
  return source;
}
