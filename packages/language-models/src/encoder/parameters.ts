// Names, shapes and first values of an encoder's parameters, by the names of a Hugging Face checkpoint.
import type { WeightLayout } from '@gimbal/tensor-core';
import type { ParameterSpec } from '../decoder/family.ts';
import type { EncoderConfig } from './config.ts';

/** What stands in front of every name of the body. */
export const prefixOf = (c: EncoderConfig): 'bert' | 'roberta' | 'deberta' =>
  c.family === 'deberta-v2' ? 'deberta' : c.family === 'bert' ? 'bert' : 'roberta';

/** A linear layer [out, in] with its bias. */
export const denseSpecs = (path: string, out: number, width: number, std: number): ParameterSpec[] => [
  { path: `${path}.weight`, shape: [out, width], init: { std } },
  { path: `${path}.bias`, shape: [out], init: { constant: 0 } },
];

/** Whether the embedding has a table of positions. */
const hasPositions = (c: EncoderConfig): boolean => c.relative?.positions ?? true;

/** Rows of DeBERTa's table of distances. */
const distanceRows = ({ relative: r }: EncoderConfig): number =>
  r === undefined ? 0 : 2 * (r.buckets > 0 ? r.buckets : r.maxDistance);

/** The parameters of the body, in order. */
export function encoderParameters(c: EncoderConfig): ParameterSpec[] {
  const { width: d, feedForward: f, initializerRange: std, relative: r } = c;
  const p = prefixOf(c);
  const norm = (path: string): ParameterSpec[] => [
    { path: `${path}.weight`, shape: [d], init: { constant: 1 } },
    { path: `${path}.bias`, shape: [d], init: { constant: 0 } },
  ];
  const table = (name: string, rows: number): ParameterSpec[] =>
    rows === 0 ? [] : [{ path: `${p}.${name}.weight`, shape: [rows, d], init: { std } }];
  // RoBERTa's first positions are the padding's
  const positions = p === 'roberta' ? c.contextLength + c.padId + 1 : c.contextLength;
  const [query, key, value] = r ? ['query_proj', 'key_proj', 'value_proj'] : ['query', 'key', 'value'];
  const blocks = Array.from({ length: c.layers }, (_, i) => `${p}.encoder.layer.${i}`).flatMap((layer) => [
    ...[query, key, value].flatMap((name) => denseSpecs(`${layer}.attention.self.${name}`, d, d, std)),
    ...(r && !r.shareKeys && r.types.includes('c2p')
      ? denseSpecs(`${layer}.attention.self.pos_key_proj`, d, d, std)
      : []),
    ...(r && !r.shareKeys && r.types.includes('p2c')
      ? denseSpecs(`${layer}.attention.self.pos_query_proj`, d, d, std)
      : []),
    ...denseSpecs(`${layer}.attention.output.dense`, d, d, std),
    ...norm(`${layer}.attention.output.LayerNorm`),
    ...denseSpecs(`${layer}.intermediate.dense`, f, d, std),
    ...denseSpecs(`${layer}.output.dense`, d, f, std),
    ...norm(`${layer}.output.LayerNorm`),
  ]);
  return [
    ...table('embeddings.word_embeddings', c.vocabularySize),
    ...table('embeddings.position_embeddings', hasPositions(c) ? positions : 0),
    ...table('embeddings.token_type_embeddings', c.typeVocabulary),
    ...norm(`${p}.embeddings.LayerNorm`),
    ...blocks,
    ...table('encoder.rel_embeddings', distanceRows(c)),
    ...(r?.normTable ? norm(`${p}.encoder.LayerNorm`) : []),
  ];
}

/** How a matrix of a block or of the pooling is used; undefined for tables, norms and heads. */
export const encoderLayout = (path: string): WeightLayout | undefined =>
  /(?:\.layer\.\d+\..*(?<!LayerNorm)|(?:^|\.)pooler\.dense)\.weight$/.test(path) ? 'out-in' : undefined;
