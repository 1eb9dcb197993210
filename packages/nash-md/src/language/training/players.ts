/**
 * Who plays: the trees beside the policy's own, and when they move. The reference stays; an averaged or frozen opponent
 * follows the policy; EGPO and Nash-MP step in two halves, and between them the policy goes back to where the first began.
 */
import {
  assignTree,
  createOptimizer,
  disposeTree,
  flatten,
  type Params,
  type PrepareContext,
  polyakTree,
  schedules,
  variables,
} from '@gimbal/tensor-core';
import type { Variable } from '@tensorflow/tfjs-core';
import type { Contestant } from '../contestant.ts';
import { mixturePolicy } from '../policies/mixture-policy.ts';
import { inHalves, type ResolvedNashMd } from './nash-md-options.ts';

/** Owns the trees. */
export class Players {
  /** μ */
  readonly reference: Params;
  /** parameters of the opponent where they are not the policy's own */
  readonly opponent: Params | undefined;
  /** π_t of objectives in two halves, and the optimiser's state with it: where both halves start */
  readonly start: { readonly params: Params; readonly optimizer: Params } | undefined;
  readonly #o: ResolvedNashMd;
  #moved = -1;

  constructor(o: ResolvedNashMd) {
    this.#o = o;
    this.reference = variables(o.reference ?? o.params);
    const halves = inHalves(o.objective);
    const moves = o.opponent.kind === 'mixture' && o.objective === 'policy-gradient' && o.innerSteps > 1;
    this.opponent = o.opponent.kind === 'ema' || moves || halves ? variables(o.params) : undefined;
    if (!halves) return;
    const params = variables(o.params);
    this.start = { params, optimizer: createOptimizer(o.optimizer).init(params) };
  }

  /** What a checkpoint holds beside the policy. */
  get trees(): Record<string, Params> {
    return {
      reference: this.reference,
      ...(this.opponent && { opponent: this.opponent }),
      ...(this.start && { start: this.start.params, 'start-optimizer': this.start.optimizer }),
    };
  }

  /** Step at which they were last moved; −1: never. */
  get moved(): number {
    return this.#moved;
  }

  /** After a checkpoint. What was moved for a step that was then interrupted stays moved. */
  restore(moved: number): void {
    this.#moved = Math.max(this.#moved, moved);
  }

  /** Once a step, whatever was interrupted. */
  move({ step, params, optimizerState }: Pick<PrepareContext, 'step' | 'params' | 'optimizerState'>): void {
    if (this.opponent === undefined || this.#moved === step) return;
    const { opponent: o, innerSteps } = this.#o;
    this.#moved = step;
    if (step % innerSteps > 0) return;
    if (this.start !== undefined) this.#half(this.opponent, step, params, optimizerState);
    else if (o.kind === 'mixture') assignTree(this.opponent, params, 'opponent');
    else if (o.kind === 'fixed') return;
    else if (o.form === 'anchored') {
      assignTree(this.opponent, this.reference, 'opponent');
      polyakTree(leaves(this.opponent), leaves(params), 1 - o.decay);
    } else if (step > 0) polyakTree(leaves(this.opponent), leaves(params), 1 - o.decay);
  }

  /** Whom the policy plays against in this step. */
  rival(step: number, params: Params): Contestant {
    const { policy, opponent, ends } = this.#o;
    if (opponent.kind === 'fixed') return opponent.contestant;
    if (opponent.kind === 'ema') return { policy, params: this.opponent as Params };
    const mixtureCoef = schedules.scheduleAt(opponent.mixtureCoef, step);
    return {
      policy: mixturePolicy(policy, { reference: this.reference, mixtureCoef, ...ends }),
      params: this.opponent ?? params,
    };
  }

  dispose(): void {
    for (const tree of Object.values(this.trees)) disposeTree(tree);
  }

  /**
   * First half: from π_t against π_t, to π_h. Second half: from π_t again, parameters and optimiser as they were, against
   * π_h. Without the optimiser's the second half would have the momentum of a step that was taken back.
   */
  #half(opponent: Params, step: number, params: Params, optimizerState: Params): void {
    const { params: start, optimizer } = this.start as NonNullable<typeof this.start>;
    assignTree(opponent, params, 'opponent');
    if (Math.floor(step / this.#o.innerSteps) % 2 === 0) {
      assignTree(start, params, 'start');
      assignTree(optimizer, optimizerState, 'start-optimizer');
    } else {
      assignTree(params, start, 'params');
      assignTree(optimizerState, optimizer, 'optimizer');
    }
  }
}

const leaves = (tree: Params): Variable[] => flatten(tree).map(([, t]) => t as Variable);
