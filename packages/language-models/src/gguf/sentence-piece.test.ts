// SentencePiece tokenizers in GGUF files: the ids of SentencePiece itself (golden/make_sentence_piece.py), there and back.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { decoder, loadGguf, saveGguf, Tokenizer } from '../index.ts';
import type { GgufValue } from './read-header.ts';
import { tokenizerFromGguf, tokenizerToGguf } from './tokenizer.ts';

interface Golden {
  tokens: string[];
  scores: number[];
  types: number[];
  addsSpace: boolean;
  cases: { text: string; ids: number[]; decoded: string }[];
}
const golden = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../test/golden/sentence-piece.golden.json', import.meta.url)), 'utf8'),
) as Record<string, Golden>;

const metadataOf = ({ tokens, scores, types, addsSpace }: Golden): Map<string, GgufValue> =>
  new Map<string, GgufValue>([
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.scores', scores],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.bos_token_id', 1],
    ['tokenizer.ggml.eos_token_id', 2],
    ['tokenizer.ggml.unknown_token_id', 0],
    ...(addsSpace ? [] : [['tokenizer.ggml.add_space_prefix', false] as [string, GgufValue]]),
  ]);

/** Texts in which no special token is spelt out: those SentencePiece takes for letters. */
const plain = (cases: Golden['cases']): Golden['cases'] => cases.filter(({ text }) => !/<\/?(?:s|unk)>/.test(text));

describe.each(Object.keys(golden))('a SentencePiece tokenizer as %s has it', (name) => {
  const model = golden[name] as Golden;
  const tokenizer = tokenizerFromGguf(metadataOf(model), 'test.gguf');

  it.each(plain(model.cases))('splits $text as SentencePiece does', ({ text, ids, decoded }) => {
    expect([...tokenizer.encodeText(text)]).toEqual(ids);
    expect(tokenizer.decodeIds(Int32Array.from(ids))).toBe(decoded);
  });

  it('finds special tokens in a text, begins with the beginning, and says the same written and read again', async () => {
    expect(tokenizer.special).toMatchObject({ bos: 1, eos: 2 });
    expect([...tokenizer.begin]).toEqual([1]);
    const ids = tokenizer.encodeText('the</s>');
    expect(ids.at(-1)).toBe(2);
    const dir = await mkdtemp(join(tmpdir(), 'gimbal-pieces-'));
    const small = decoder({
      vocabularySize: model.tokens.length,
      width: 32,
      layers: 1,
      heads: 2,
      eosIds: [2],
      bosId: 1,
    });
    const params = small.init(rng(0));
    await saveGguf(join(dir, 'a.gguf'), small, params, { tokenizer, type: 'F16' });
    const again = await loadGguf(join(dir, 'a.gguf'));
    for (const { text } of model.cases)
      expect([...(again.tokenizer?.encodeText(text) ?? [])]).toEqual([...tokenizer.encodeText(text)]);
    expect(again.tokenizer?.json.model).toEqual(tokenizer.json.model);
    expect(again.tokenizer?.special).toEqual(tokenizer.special);
    for (const tree of [params, again.params]) disposeTree(tree);
    await rm(dir, { recursive: true });
  });
});

beforeAll(async () => {
  await useBackend('auto');
});

it('refuses scores that are missing, and merges that scores cannot tell', () => {
  const model = golden.llama as Golden;
  const metadata = metadataOf(model);
  metadata.delete('tokenizer.ggml.scores');
  expect(() => tokenizerFromGguf(metadata, 'test.gguf')).toThrow(/tokenizer.ggml.scores: .*wanted 420 numbers/);
  metadata.set('tokenizer.ggml.model', 't5');
  expect(() => tokenizerFromGguf(metadata, 'test.gguf')).toThrow(
    /tokenizer.ggml.model: .*got "?t5.*wanted gpt2 or llama/,
  );
  const tokenizer = tokenizerFromGguf(metadataOf(model), 'test.gguf');
  const merges = tokenizer.json.model.merges as [string, string][];
  const odd = { ...tokenizer.json, model: { ...tokenizer.json.model, merges: merges.slice(1) } };
  expect(() => tokenizerToGguf(new Tokenizer(odd, tokenizer.config), 420)).toThrow(/has no name there/);
});
