/**
 * An exponential moving average of a tree, updated in place: average ← d·average + (1 − d)·params.
 */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { ConfigError } from '../errors.ts';
import { polyakTree } from '../ops/polyak-tree.ts';
import { assignTree } from '../optim/assign.ts';
import { requireOptions } from '../options/checks.ts';
import { disposeTree, variables } from '../tree/memory.ts';
import { flatten, type Params } from '../tree/params.ts';

/** How the average forgets. */
export interface EmaOptions {
  /** d; the average looks back over about 1/(1 − d) updates */
  decay: number;
  /** start with a short memory: d of update t is at most (1 + t)/(10 + t); default false */
  warmup?: boolean;
}

/** A moving average of parameters, avg ← d·avg + (1 − d)·params. Owns its tree until `dispose()`. */
export class Ema {
  /** the average: variables that the Ema owns */
  readonly params: Params;
  #updates = 0;
  #disposed = false;

  /**
   * @param params where the average starts; not kept
   * @throws ConfigError for a decay outside [0, 1)
   */
  constructor(
    params: Params,
    readonly options: EmaOptions,
  ) {
    requireOptions('ema', options);
    const { decay } = options;
    if (!(decay >= 0 && decay < 1))
      throw new ConfigError({ where: 'ema.decay', what: 'out of range', got: decay, wanted: 'a number in [0, 1)' });
    this.params = variables(params);
  }

  /** Updates so far. */
  get updates(): number {
    return this.#updates;
  }

  /**
   * Moves the average towards `params`.
   * @param params the same structure; not disposed
   * @throws ConfigError after `dispose`, or where `params` lacks a leaf
   */
  update(params: Params): void {
    this.#checkAlive('ema.update');
    this.#updates++;
    const { decay, warmup = false } = this.options;
    const d = warmup ? Math.min(decay, (1 + this.#updates) / (10 + this.#updates)) : decay;
    const sources = new Map<string, Tensor>(flatten(params));
    const targets = flatten(this.params).filter(([, t]) => t.dtype === 'float32') as [string, Variable][];
    for (const [path] of targets) {
      if (!sources.has(path))
        throw new ConfigError({ where: `ema at ${path}`, what: 'the parameters have no such leaf' });
    }
    polyakTree(
      targets.map(([, t]) => t),
      targets.map(([path]) => sources.get(path) as Tensor),
      1 - d,
    );
  }

  /** Goes on from a saved average. */
  restore(params: Params, updates: number): void {
    this.#checkAlive('ema.restore');
    assignTree(this.params, params, 'ema');
    this.#updates = updates;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    disposeTree(this.params);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkAlive(where: string): void {
    if (this.#disposed) throw new ConfigError({ where, what: 'the average was disposed' });
  }
}
