// The op table: a row for every public op, those of namespaces by their full names.

import { activationRows } from './activations.ts';
import { attentionRows } from './attention.ts';
import { distributionRows } from './distributions.ts';
import { divergenceRows } from './divergence.ts';
import { linearRows } from './linear.ts';
import { normRows } from './norms.ts';
import { policyRows } from './policy.ts';
import { reductionRows } from './reductions.ts';
import { tokenRows } from './tokens.ts';
import type { OpRow } from './types.ts';

export const opTable: readonly OpRow[] = [
  ...activationRows,
  ...linearRows,
  ...normRows,
  ...reductionRows,
  ...tokenRows,
  ...divergenceRows,
  ...attentionRows,
  ...policyRows,
  ...distributionRows,
];
