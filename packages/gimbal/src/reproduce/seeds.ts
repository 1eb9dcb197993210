// Which seeds a claim is run on.
import type { Claim } from './claim.ts';

/** The seeds that were asked for, or the claim's own: with --full all of them, with --quick the first. */
export function seedsOf(
  { seeds, fullSeeds }: Pick<Claim, 'seeds' | 'fullSeeds'>,
  o: { seeds?: readonly number[] | undefined; full: boolean; quick: boolean; seed: number },
): readonly number[] {
  if (o.seeds !== undefined) return o.seeds;
  const own = (o.full ? fullSeeds : undefined) ?? seeds ?? [o.seed];
  return o.quick ? own.slice(0, 1) : own;
}
