// The decoder as a token policy, so that generation, beam search and every algorithm on token policies serve it. What it
// goes on from is no prompt but a code: each row of the prompts stands for one.
import { type Steps, sampleCompletions, stateTerms, TokenStepper, takeKept } from '@gimbal/language-models';
import {
  attentionDecode,
  embedding,
  type LogitPolicy,
  type Params,
  type TokenBatch,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import {
  add,
  keep,
  mul,
  reshape,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { KeysAndValues } from '../model/blocks.ts';
import type { Vec2TextConfig } from '../model/config.ts';
import type { Vec2TextModule } from '../model/module.ts';
import { leaf } from '../model/parameters.ts';
import { decoderStates, memoryOf, teacherForced, toLogits } from '../model/stacks.ts';
import { lengthMask, shiftRight } from '../model/token-rows.ts';
import { packModel } from '../model/trained.ts';
import { CodeState } from './code-state.ts';

/** The codes [B,k] of a batch of prompts, differentiable in `params`; made in the caller's scope. */
export type CodesOf = (params: Params, prompts: TokenBatch) => Tensor2D;

/**
 * A token policy that decodes codes.
 * @param codesOf what the rows of a batch stand for: given codes, or learned ones looked up by the prompts' tokens
 * @example
 * const policy = codePolicy(module, (params, { ids }) => gather(params.contexts, ids) as Tensor2D);
 */
export const codePolicy = (module: Vec2TextModule, codesOf: CodesOf): LogitPolicy & Steps =>
  memoryPolicy(module.config, (params, prompts) => memoryOf(params, module.config, codesOf(params, prompts)));

/** What each block of the decoder attends to, for the rows of a batch of prompts; made in the caller's scope. */
export type MemoryOf = (params: Params, prompts: TokenBatch) => KeysAndValues[];

/** A token policy that decodes whatever memory its rows have. */
export function memoryPolicy(c: Vec2TextConfig, memoryOfRows: MemoryOf): LogitPolicy & Steps {
  const tokensOf = ({ ids, width, lengths }: TokenBatch): Tensor2D => tensor2d(ids, [lengths.length, width], 'int32');
  const logits = (params: Params, prompts: TokenBatch, completions: Tensor2D): Tensor3D =>
    toLogits(params, c, teacherForced(params, c, memoryOfRows(params, prompts), shiftRight(completions, c.bosId)));
  // after one token: its embedding, attention to what is in the caches, logits
  const nextLogits = (params: Params, s: CodeState, ids: Tensor2D, place: Tensor1D | undefined): Tensor2D => {
    const positions = place ? reshape(place, [1, 1]) : tensor2d([s.length], [1, 1], 'int32');
    const at = embedding(positions, leaf(params, 'positions', 'weight')); // [1,1,d], for all rows
    const x = add(embedding(ids, leaf(params, 'embedding', 'weight')), at) as Tensor3D;
    const y = decoderStates(params, c, x, s.memory, (i, qkv) =>
      attentionDecode(qkv, undefined, undefined, s.caches[i] as CodeState['caches'][number], { heads: c.heads, place }),
    );
    return toLogits<Tensor2D>(params, c, reshape(y, [s.batch, c.width]));
  };
  const policy: LogitPolicy & Steps = {
    pack: packModel,
    logits: (params, prompts, completions) => tidy(() => logits(params, prompts, tokensOf(completions))),
    logProbs: (params, prompts, completions) =>
      tidy(() => {
        const tokens = tokensOf(completions);
        const logProbs = tokenLogProbs<Tensor2D>(logits(params, prompts, tokens), tokens);
        return mul(logProbs, lengthMask(completions)); // padding has no probability
      }),
    begin(params, prompts, { maxNewTokens }) {
      const capacity = Math.min(maxNewTokens, c.maxLength);
      const terms = stateTerms(params, prompts.lengths.length, capacity, false);
      const kept = takeKept(params, terms) as CodeState | undefined;
      let state = kept;
      tidy(() => {
        const memory = memoryOfRows(params, prompts);
        if (kept) kept.restart(memory);
        else
          state = new CodeState(
            params,
            memory.map(([k, v]) => [keep(k), keep(v)] as const),
            capacity,
            c,
            terms,
          );
      });
      return state as CodeState;
    },
    next: (params, state, append) =>
      tidy(() => {
        const s = state as CodeState;
        const ids = append ?? new Int32Array(s.batch).fill(c.bosId);
        return nextLogits(params, s, tensor2d(ids, [s.batch, 1], 'int32'), undefined);
      }),
    stepper: (params, state, draw) => {
      const s = state as CodeState;
      return new TokenStepper(
        s,
        (ids, _, place, uniform) => draw(nextLogits(params, s, ids, place), uniform),
        draw.draws,
      );
    },
    select: (state, rows) => (state as CodeState).select(rows),
    begun: (prompts) => Array.from(prompts.lengths, () => Int32Array.of(c.bosId)),
    sample: (params, prompts, o) =>
      sampleCompletions(policy, params, prompts, { ...o, eosIds: [c.eosId], padId: c.padId }),
  };
  return policy;
}

/** Prompts that stand for `rows` codes: one token each, its number. */
export const numberedRows = (rows: number): TokenBatch => ({
  ids: Int32Array.from({ length: rows }, (_, i) => i),
  width: 1,
  lengths: new Int32Array(rows).fill(1),
});
