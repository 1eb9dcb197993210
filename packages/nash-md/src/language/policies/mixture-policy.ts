/**
 * The geometric mixture of a policy with its reference, token by token: at every prefix s
 *
 *   log π^β(·|s) = (1 − β) log π(·|s) + β log μ(·|s) + const          (Nash-MD, arXiv 2312.00886, appendix F.1)
 *
 * The constant is the softmax's, so each next-token distribution is exactly normalised. Over whole completions it is not
 * the mixture π^(1−β) μ^β of the two distributions, which cannot be sampled from: for that the tokens would have to know
 * what follows them.
 */
import { sampleCompletions } from '@gimbal/language-models';
import {
  checkShare,
  type DecodeState,
  type LogitPolicy,
  type Params,
  ShapeError,
  type TokenBatch,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import { add, mul, type Tensor, type Tensor2D, type Tensor3D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { type EndTokens, endTokens } from './end-tokens.ts';

/** What is mixed in, and how much of it. */
export interface MixtureOptions extends Partial<EndTokens> {
  /** μ, of the same policy: neither copied nor disposed */
  reference: Params;
  /** β in [0, 1], the weight of μ: 0 is the policy itself, 1 the reference */
  mixtureCoef: number;
}

/** Policies that lay their weights out for generation. */
type Packing = LogitPolicy & { pack?(params: Params): Disposable };

/** The caches of both. */
class MixtureState implements DecodeState {
  constructor(
    readonly policy: DecodeState,
    readonly reference: DecodeState,
  ) {}

  get length(): number {
    return this.policy.length;
  }

  [Symbol.dispose](): void {
    this.policy[Symbol.dispose]();
    this.reference[Symbol.dispose]();
  }
}

/**
 * A policy whose next token comes from the mixture; its `params` are those of the policy that is mixed with the
 * reference. Each of the two keeps its own caches. With β 0 or 1 only one of them is computed.
 * @param policy logits under either tree
 * @throws ConfigError for β outside [0, 1]
 * @example
 * const deployed = mixturePolicy(model, { reference: sft, mixtureCoef: 0.125 });
 * await deployed.sample(trained, prompts, { maxNewTokens: 32, rng: rng(0) });
 */
export function mixturePolicy(policy: LogitPolicy, o: MixtureOptions): LogitPolicy {
  const { reference, mixtureCoef: beta } = o;
  checkShare('mixturePolicy, mixtureCoef', beta);
  if (beta === 0) return policy;
  if (beta === 1) return always(policy, reference);
  const ends = endTokens(policy, o);
  const { pack } = policy as Packing;
  const mix = <T extends Tensor>(own: T, other: T): T => {
    if (own.shape.at(-1) !== other.shape.at(-1)) {
      const wanted = `that of the policy, ${own.shape.at(-1)} tokens`;
      throw new ShapeError({
        where: 'mixturePolicy',
        what: 'the reference has another vocabulary',
        got: other.shape.at(-1),
        wanted,
      });
    }
    return add(mul(own, 1 - beta), mul(other, beta));
  };
  const logits = (params: Params, prompts: TokenBatch, completions: TokenBatch): Tensor3D =>
    tidy(() => mix(policy.logits(params, prompts, completions), policy.logits(reference, prompts, completions)));
  const mixture: Packing = {
    logits,
    logProbs: (params, prompts, completions) =>
      tidy(() => {
        const shape: [number, number] = [completions.lengths.length, completions.width];
        const ids = tensor2d(completions.ids, shape, 'int32');
        return mul(tokenLogProbs<Tensor2D>(logits(params, prompts, completions), ids), tokenMask(completions));
      }),
    begin: (params, prompts, options) =>
      new MixtureState(policy.begin(params, prompts, options), policy.begin(reference, prompts, options)),
    next: (params, state, append) =>
      tidy(() => {
        const both = state as MixtureState;
        return mix(policy.next(params, both.policy, append), policy.next(reference, both.reference, append));
      }),
    ...(pack && {
      pack(params: Params): Disposable {
        const [own, other] = [pack(params), pack(reference)];
        return {
          [Symbol.dispose]() {
            own[Symbol.dispose]();
            other[Symbol.dispose]();
          },
        };
      },
    }),
    sample: (params, prompts, options) => sampleCompletions(mixture, params, prompts, { ...options, ...ends }),
  };
  return mixture;
}

/** The policy under one tree, whatever it is called with. */
function always(policy: LogitPolicy, fixed: Params): LogitPolicy {
  return {
    sample: (_, prompts, o) => policy.sample(fixed, prompts, o),
    logProbs: (_, prompts, completions) => policy.logProbs(fixed, prompts, completions),
    logits: (_, prompts, completions) => policy.logits(fixed, prompts, completions),
    begin: (_, prompts, o) => policy.begin(fixed, prompts, o),
    next: (_, state, append) => policy.next(fixed, state, append),
  };
}

/** 1 on tokens, 0 on padding `[B, T]`; the caller disposes it. */
export function tokenMask({ lengths, width }: TokenBatch): Tensor2D {
  const mask = new Float32Array(lengths.length * width);
  for (const [b, n] of lengths.entries()) mask.fill(1, b * width, b * width + n);
  return tensor2d(mask, [lengths.length, width]);
}
