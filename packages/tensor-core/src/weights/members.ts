/**
 * Before weights are combined: do the members belong together, and with which shares do they enter? Shared by trees in
 * memory and files on disk.
 */
import { CheckpointError, ConfigError } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';

/** What has to agree between members, by tensor name. */
export interface TensorShape {
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface Member {
  /** for messages: a path, 'member 2' */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorShape>;
}

/**
 * Checks that all members have the same tensors.
 * @throws CheckpointError naming the first tensor that differs from the first member's, the member, and both shapes
 */
export function checkMembers(members: readonly Member[], least = 2): void {
  const [first, ...others] = members;
  if (first === undefined || members.length < least) {
    throw new ConfigError({
      where: 'merge',
      what: 'too few members',
      got: members.length,
      wanted: `at least ${least}`,
    });
  }
  for (const other of others) {
    for (const [tensor, wanted] of first.tensors) {
      const got = other.tensors.get(tensor);
      if (got === undefined)
        throw differs(other, `has no tensor ${tensor}`, undefined, `${describe(wanted)}, as in ${first.name}`);
      if (got.dtype !== wanted.dtype || String(got.shape) !== String(wanted.shape)) {
        throw differs(other, `tensor ${tensor} differs`, describe(got), `${describe(wanted)}, as in ${first.name}`);
      }
    }
    for (const tensor of other.tensors.keys()) {
      if (!first.tensors.has(tensor)) throw differs(other, `has a tensor that ${first.name} has not: ${tensor}`);
    }
  }
}

/** How members are weighed. */
export interface ShareOptions {
  /** one per member; default 1/M each */
  weights?: readonly number[];
  /** divide the weights by their sum; default false: they are used as stated */
  normalize?: boolean;
}

/** The weights in use. */
export interface Shares {
  /** one per member */
  readonly weights: readonly number[];
  /** says which weights are used and whether they were normalised: printed by whoever runs it */
  readonly note: string;
}

/**
 * The share of each member in a weighted sum.
 * @throws ConfigError for another number of weights than members, weights that are no numbers or all 0, or a sum of 0
 * that is to be normalised
 */
export function resolveShares(members: number, o: ShareOptions): Shares {
  requireOptions('merge', o);
  const { weights, normalize = false } = o;
  if (weights === undefined) return { weights: Array(members).fill(1 / members), note: `uniform weights 1/${members}` };
  const where = 'merge.weights';
  if (weights.length !== members)
    throw new ConfigError({ where, what: 'one weight per member is needed', got: weights.length, wanted: members });
  const bad = weights.findIndex((w) => !Number.isFinite(w));
  if (bad >= 0) throw new ConfigError({ where, what: `weight ${bad} is no number`, got: weights[bad] });
  const sum = weights.reduce((s, w) => s + w, 0);
  if (!normalize)
    return { weights, note: `weights ${weights.join(', ')} as given, not normalised (their sum is ${sum})` };
  if (Math.abs(sum) < 1e-12) {
    throw new ConfigError({
      where,
      what: 'weights that sum to 0 cannot be normalised',
      got: weights,
      fix: 'Set normalize to false, or use other weights',
    });
  }
  const shares = weights.map((w) => w / sum);
  return {
    weights: shares,
    note: `weights ${weights.join(', ')} normalised to ${shares.map((w) => Number(w.toFixed(6))).join(', ')}`,
  };
}

const describe = ({ dtype, shape }: TensorShape): string => `${dtype} [${shape}]`;

function differs(member: Member, what: string, got?: string, wanted?: string): CheckpointError {
  return new CheckpointError({
    where: `merge, ${member.name}`,
    what,
    ...(got !== undefined && { got }),
    ...(wanted !== undefined && { wanted }),
    fix: 'Only models of one architecture can be merged',
  });
}
