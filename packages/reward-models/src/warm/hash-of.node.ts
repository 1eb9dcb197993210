import { createHash } from 'node:crypto';

/** Names rows: sha-256 of their columns, whatever the order of these, 32 hexadecimal digits. */
export function hashOf(rows: readonly object[]): string {
  const hash = createHash('sha256');
  for (const row of rows) {
    const entries = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
    // whole numbers beyond 2^53 come as BigInt, which JSON has not
    const text = JSON.stringify(entries, (_, x) => (typeof x === 'bigint' ? `${x}n` : x));
    hash.update(`${text}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}
