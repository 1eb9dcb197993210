/** A value as a reader takes it. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const { from, to, ...others } = value as { from?: unknown; to?: unknown };
  if (from !== undefined && Object.keys(others).length === 0) return `${from} → ${to}`;
  return Object.entries(value)
    .filter(([, of]) => of !== undefined)
    .map(([name, of]) => `${name} ${textOf(of)}`)
    .join(', ');
}
