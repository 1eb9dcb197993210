import type { Params, TextCodec, TokenPolicy } from '@gimbal/tensor-core';

/** A policy with its parameters: what can be compared with others. */
export interface Contestant {
  /** samples completions; not disposed */
  policy: TokenPolicy;
  /** of the policy; neither kept nor changed */
  params: Params;
  /** its own tokens, where they are not those of the others */
  codec?: TextCodec;
}
