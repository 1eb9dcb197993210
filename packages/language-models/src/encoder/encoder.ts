// Encoders: every token sees all others. BERT (Devlin et al., arXiv 1810.04805), RoBERTa (arXiv 1907.11692) and DeBERTa-v2
// and -v3, as pure functions on a tree whose paths are the names of a Hugging Face checkpoint.
//
//   e = LN(word + position + type);  x = LN(x + dense(attention(x)));  x = LN(x + dense(act(dense x)))
import {
  activate,
  attention,
  checkpoint,
  DataError,
  dropout,
  embedding,
  layerNorm,
  mlp,
  type Params,
  type Rng,
} from '@gimbal/tensor-core';
import {
  add,
  mul,
  reshape,
  slice,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { isAdapted, project } from '../adapters/project.ts';
import type { ForwardOptions } from '../decoder/decoder.ts';
import type { ParameterSpec } from '../decoder/family.ts';
import { branchAt, initParams, tensorAt } from '../decoder/params.ts';
import { hiddenScore, isPadded, maskOf } from '../internal/padding.ts';
import { type EncoderConfig, type EncoderOptions, encoderConfig } from './config.ts';
import { debertaAttention } from './deberta-attention.ts';
import { encoderParameters, prefixOf } from './parameters.ts';

/** Texts as an encoder sees them: right-padded rows of ids, and which text of a pair each token belongs to. */
export interface EncoderBatch {
  /** [B·width] */
  readonly ids: Int32Array;
  /** Tokens of a row, padding included. */
  readonly width: number;
  /** [B], tokens that are not padding */
  readonly lengths: Int32Array;
  /** [B·width], 0 for the first text and 1 for the second (all 0) */
  readonly types?: Int32Array;
}

/** An encoder as pure functions on a tree of parameters; it holds no weights. */
export interface Encoder {
  /** Every size, defaults filled in. */
  readonly config: EncoderConfig;
  /** Names and shapes of the parameters, in the order they are made. */
  readonly parameters: readonly ParameterSpec[];
  /** Fresh parameters. The caller disposes the tree. */
  init(rng: Rng): Params;
  /** The last hidden states [B,T,D]; those of padding mean nothing. The caller disposes them. */
  states(params: Params, batch: EncoderBatch, o?: ForwardOptions): Tensor3D;
}

/**
 * Makes an encoder from its description.
 * @throws ConfigError for options that do not fit
 * @example
 * const model = encoder({ vocabularySize: tokenizer.size, width: 64, layers: 2 });
 * const states = model.states(model.init(rng(0)), encodeTexts(tokenizer, ['a text']));
 */
export function encoder(options: EncoderOptions): Encoder {
  const c = encoderConfig(options);
  const prefix = prefixOf(c);
  const parameters = encoderParameters(c);
  const norm = (x: Tensor3D, p: Params): Tensor3D =>
    layerNorm(x, tensorAt(p, 'weight'), tensorAt(p, 'bias'), { epsilon: c.normEpsilon });
  const dense = (x: Tensor, p: Params, residual?: Tensor): Tensor3D => project(p, x, 'out-in', residual);

  const embed = (params: Params, batch: EncoderBatch, ids: Tensor2D): Tensor3D => {
    const tables = branchAt(params, prefix, 'embeddings') as Record<string, Params | undefined>;
    const table = (name: string): Tensor => tensorAt(params, prefix, 'embeddings', name, 'weight');
    let x: Tensor = embedding(ids, table('word_embeddings'));
    if (tables.position_embeddings) {
      // rows are padded on the right only: every row has the same positions
      const first = prefix === 'roberta' ? c.padId + 1 : 0;
      x = add(x, slice(table('position_embeddings'), [first, 0], [batch.width, c.width]));
    }
    if (c.typeVocabulary > 0) {
      const types = tensor2d(batch.types ?? new Int32Array(ids.size), ids.shape, 'int32');
      x = add(x, embedding(types, table('token_type_embeddings')));
    }
    const y = norm(x as Tensor3D, branchAt(params, prefix, 'embeddings', 'LayerNorm'));
    if (c.family !== 'deberta-v2' || !isPadded(batch)) return y;
    return mul(y, reshape(maskOf(batch), [-1, batch.width, 1])) as Tensor3D; // padding is nothing there
  };

  const block = (layer: Params, x: Tensor3D, attend: (self: Params, x: Tensor3D) => Tensor3D, rng?: Rng): Tensor3D => {
    const drop = (y: Tensor3D, place: string): Tensor3D => (rng ? dropout(y, c.dropout, rng.split(place)) : y);
    const seen = attend(branchAt(layer, 'attention', 'self'), x);
    const out = branchAt(layer, 'attention', 'output');
    const y = norm(
      rng ? add(x, drop(dense(seen, branchAt(out, 'dense')), 'attention')) : dense(seen, branchAt(out, 'dense'), x),
      branchAt(out, 'LayerNorm'),
    );
    const [up, down] = [branchAt(layer, 'intermediate', 'dense'), branchAt(layer, 'output', 'dense')];
    const layers = [up, down].map((p) => ({ weight: tensorAt(p, 'weight'), bias: tensorAt(p, 'bias') }));
    const feed = (residual?: Tensor): Tensor3D =>
      isAdapted(up) || isAdapted(down)
        ? dense(activate(dense(y, up), c.activation), down, residual)
        : mlp(y, layers, { activation: c.activation, weightLayout: 'out-in', residual });
    return norm(rng ? add(y, drop(feed(), 'mlp')) : feed(y), branchAt(layer, 'output', 'LayerNorm'));
  };

  const states = (params: Params, batch: EncoderBatch, o: ForwardOptions = {}): Tensor3D => {
    checkBatch(batch, c);
    return tidy(() => {
      const rows = batch.lengths.length;
      const ids = tensor2d(batch.ids, [rows, batch.width], 'int32');
      const lengths = isPadded(batch) ? tensor1d(batch.lengths, 'int32') : undefined;
      const rng = c.dropout > 0 ? o.rng : undefined;
      const attend = attentionOf(params, c, batch, lengths);
      let x = embed(params, batch, ids);
      if (rng) x = dropout(x, c.dropout, rng.split('embedding'));
      for (let i = 0; i < c.layers; i++) {
        const noise = rng?.split(i);
        const layer = branchAt(params, prefix, 'encoder', 'layer', i);
        // DeBERTa's table is a parameter that all layers share, which `checkpoint` would give no gradient
        const recompute = o.gradientCheckpointing && c.relative === undefined;
        const run = (p: Params, y: Tensor3D): Tensor3D => block(p, y, attend, noise);
        const apply = recompute ? checkpoint(run) : run;
        const before = x;
        x = tidy(() => apply(layer, before));
      }
      return x;
    });
  };

  return { config: c, parameters, init: (rng) => initParams(parameters, rng), states };
}

/** A layer's attention from its parameters and its input. */
function attentionOf(
  params: Params,
  c: EncoderConfig,
  batch: EncoderBatch,
  lengths: Tensor | undefined,
): (self: Params, x: Tensor3D) => Tensor3D {
  if (c.relative === undefined) {
    return (self, x) => {
      const [q, k, v] = ['query', 'key', 'value'].map((name) => project(branchAt(self, name), x, 'out-in')) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return attention(q, k, v, { heads: c.heads, lengths });
    };
  }
  const encoder = branchAt(params, prefixOf(c), 'encoder');
  const raw = tensorAt(encoder, 'rel_embeddings', 'weight');
  const table = c.relative.normTable
    ? layerNorm(raw, tensorAt(encoder, 'LayerNorm', 'weight'), tensorAt(encoder, 'LayerNorm', 'bias'), {
        epsilon: c.normEpsilon,
      })
    : raw;
  const hidden = lengths && reshape(mul(sub(1, maskOf(batch)), hiddenScore), [-1, 1, 1, batch.width]);
  return (self, x) => debertaAttention(self, x, table, hidden, c);
}

function checkBatch({ ids, width, lengths }: EncoderBatch, c: EncoderConfig): void {
  const empty = lengths.indexOf(0);
  if (lengths.length === 0 || empty >= 0) {
    const what = lengths.length === 0 ? 'there is no row' : `row ${empty} is empty`;
    throw new DataError({ where: 'encoder', what, wanted: 'at least one token in each' });
  }
  if (width > c.contextLength) {
    const wanted = `at most ${c.contextLength} tokens`;
    throw new DataError({ where: 'encoder', what: 'a row is longer than the context', got: width, wanted });
  }
  const bad = ids.find((id) => id < 0 || id >= c.vocabularySize);
  if (bad !== undefined) {
    const wanted = `0 to ${c.vocabularySize - 1}`;
    throw new DataError({ where: 'encoder', what: 'no token of the vocabulary', got: bad, wanted });
  }
}
