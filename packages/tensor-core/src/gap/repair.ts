// The gap layer's entry: what tfjs's backends lack or get wrong, repaired once, for every backend.

const repaired = new Set<string>();

/** Registers the repaired kernels of a backend; once per backend. `useBackend` calls it. */
export function repairBackend(backendName: string): void {
  if (repaired.has(backendName)) return;
  repaired.add(backendName);
}
