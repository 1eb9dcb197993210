/** Which backends this machine has: tests of arithmetic run on each of them. */
import type { BackendName } from '../../src/backend/backend-info.ts';
import { useBackend } from '../../src/backend/use-backend.node.ts';
import '../../src/register-gradients.ts';

/**
 * Those of the names that work here; the reason is printed for the others.
 * GIMBAL_TEST_BACKEND takes their place: `npm run test:tensorflow` runs the same tests on `node`.
 */
export async function availableBackends(...names: BackendName[]): Promise<BackendName[]> {
  const { GIMBAL_TEST_BACKEND: only } = process.env;
  if (only) {
    await useBackend(only as BackendName);
    return [only as BackendName];
  }
  const available: BackendName[] = [];
  for (const name of names) {
    try {
      await useBackend(name);
      available.push(name);
    } catch (error) {
      console.warn(`skipped on ${name}: ${(error as Error).message}`);
    }
  }
  return available;
}
