/** What models say of themselves beside what a policy has to. */
import type { LogitPolicy } from '@gimbal/tensor-core';

/** What models say of themselves where they do. */
interface Described {
  readonly config?: {
    readonly vocabularySize?: number;
    readonly contextLength?: number;
    readonly padId?: number;
    readonly eosIds?: readonly number[];
  };
  readonly readsWholePrompts?: boolean;
}

export const described = (policy: LogitPolicy): Described => policy as Described;
