// Numbers as a person reads them.

/** `840 ms`, `12.3 s`, `3m 07s`, `1h 20m`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, '0')}s`;
  return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`;
}

/** `950`, `7.1k`, `1.24M`. */
export function quantity(n: number): string {
  if (!Number.isFinite(n)) return '–';
  if (Math.abs(n) >= 1e9) return `${trim(n / 1e9)}G`;
  if (Math.abs(n) >= 1e6) return `${trim(n / 1e6)}M`;
  if (Math.abs(n) >= 1e3) return `${trim(n / 1e3)}k`;
  return trim(n);
}

/** `12.4 MB`. */
export const bytes = (n: number): string => `${quantity(n)}B`.replace(/([kMG]?)B$/, ' $1B');

/** Three significant digits, without trailing zeros behind a point. */
const trim = (n: number): string => (Math.abs(n) >= 100 ? n.toFixed(0) : String(Number(n.toPrecision(3))));

/** A loss or a rate: `2.314`, `0.0041`, `1.2e-7`. */
export function figure(n: number): string {
  if (!Number.isFinite(n)) return String(n);
  const size = Math.abs(n);
  if (size !== 0 && size < 1e-4) return n.toExponential(2);
  return size < 0.1 ? n.toPrecision(3) : size < 100 ? n.toFixed(3) : n.toFixed(1);
}

/** `31.0 %`. */
export const percent = (n: number): string => (Number.isFinite(n) ? `${(100 * n).toFixed(1)} %` : '–');

/** `1 row`, `12 rows`. @param many where it is not the noun with an s */
export const counted = (n: number, noun: string, many = `${noun}s`): string => `${n} ${n === 1 ? noun : many}`;

/** Columns of text, aligned; numbers to the right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const width = head.map((h, i) => Math.max(h.length, ...rows.map((row) => (row[i] ?? '').length)));
  const numeric = head.map((_, i) => i > 0 && rows.every((row) => /^[\d.–+-]|^$/.test(row[i] ?? '')));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(width[i] ?? 0) : cell.padEnd(width[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), width.map((w) => '─'.repeat(w)).join('  '), ...rows.map(line)];
}
