// Checks of options, shared by the worlds: each throws before anything is generated.
import { WorldError } from '../errors.ts';

/** A whole number in [least, most]. */
export function checkCount(
  where: string,
  name: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const wanted =
    most === Number.MAX_SAFE_INTEGER ? `a whole number ≥ ${least}` : `a whole number from ${least} to ${most}`;
  throw new WorldError('config', { where, what: `${name} is out of range`, got: value, wanted });
}

/** A probability. */
export function checkRate(where: string, name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new WorldError('config', {
    where,
    what: `${name} is no probability`,
    got: value,
    wanted: 'a number from 0 to 1',
  });
}

/** Probabilities that sum to one. */
export function checkDistribution(where: string, name: string, values: readonly number[]): void {
  for (const value of values) checkRate(where, name, value);
  const total = values.reduce((a, b) => a + b, 0);
  if (Math.abs(total - 1) > 1e-9) {
    throw new WorldError('config', {
      where,
      what: `${name} does not sum to 1`,
      got: values,
      wanted: 'probabilities with sum 1',
    });
  }
}

/** Refuses an option this world does not have, and suggests the nearest it has. */
export function checkKnown(where: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = known.toSorted((a, b) => editDistance(name, a) - editDistance(name, b))[0] as string;
    throw new WorldError('config', {
      where,
      what: `unknown option ${name}`,
      wanted: `one of ${known.join(', ')}`,
      fix: `Did you mean ${near}?`,
    });
  }
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
