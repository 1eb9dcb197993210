// What a model of this package is to its users: pure functions on a tree of parameters, and a trained one with all that
// belongs to it.
import type { Tokenizer } from '@gimbal/language-models';
import type { Params, Rng } from '@gimbal/tensor-core';
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { ControlSpace } from '../space/control-space.ts';
import type { SpaceStats } from '../space/stats.ts';
import type { Vec2TextConfig } from './config.ts';

/** A bottleneck encoder-decoder as pure functions; it holds no weights. */
export interface Vec2TextModule {
  /** Every option, defaults filled in. */
  readonly config: Vec2TextConfig;
  /** Where its codes live. */
  readonly space: ControlSpace;
  /** Fresh parameters. The caller disposes the tree. */
  init(rng: Rng): Params;
  /**
   * Codes [B,k] of token rows, differentiable; the caller disposes them.
   * @param ids [B,L] int32, ended by EOS, filled up with PAD on either side: the padding does not matter
   * @throws DataError: `EMPTY_TEXT` for a row of padding alone, `UNKNOWN_TOKEN` for an id that is no token
   */
  encode(params: Params, ids: Tensor2D): Tensor2D;
  /**
   * Logits [B,L,V] of the next token; the caller disposes them. PAD, BOS and MASK are never the next: theirs are −1e9, in
   * scoring as in sampling.
   * @param z [B,k]: nothing else is known of the text
   * @param shifted [B,L] int32: BOS, then the tokens but for the last
   */
  logits(params: Params, z: Tensor2D, shifted: Tensor2D): Tensor3D;
  /**
   * Mean −log p(target | code of the input) over the target's tokens that are no padding, a differentiable scalar; the
   * caller disposes it.
   * @param x.zNoise σ of normal noise on codes, projected back (0)
   * @throws DataError: `EMPTY_TEXT` for an input of padding alone or a target without a token, `UNKNOWN_TOKEN`; ShapeError;
   * ConfigError for a noise or weight that is no number ≥ 0
   */
  loss(params: Params, x: { input: Tensor2D; target: Tensor2D; zNoise?: number; klCoef?: number }, rng: Rng): Scalar;
}

/** A trained model. Owns its parameters. */
export interface Vec2Text extends Disposable {
  /** What it is. */
  readonly module: Vec2TextModule;
  /** Its weights; the model owns them. */
  readonly params: Params;
  /** Texts to tokens and back. */
  readonly tokenizer: Tokenizer;
  /** How the codes of training sentences were spread. */
  readonly stats: SpaceStats;
  /** Frees the parameters; safe to call twice. */
  dispose(): void;
}
