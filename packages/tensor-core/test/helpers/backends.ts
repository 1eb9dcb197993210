/** Which backends this machine has: tests of arithmetic run on each of them. */
import type { BackendName } from '../../src/backend/backend-info.ts';
import { useBackend } from '../../src/backend/use-backend.node.ts';
import '../../src/register-gradients.ts';

/** The names, or the one in GIMBAL_TEST_BACKEND: `npm run test:tensorflow` runs the same tests on `node`. */
function testedBackends(...names: BackendName[]): BackendName[] {
  const { GIMBAL_TEST_BACKEND: only } = process.env;
  return only ? [only as BackendName] : names;
}

/** Those of the names that work here; the reason is printed for the others. */
export async function availableBackends(...names: BackendName[]): Promise<BackendName[]> {
  const available: BackendName[] = [];
  for (const name of testedBackends(...names)) {
    try {
      await useBackend(name);
      available.push(name);
    } catch (error) {
      // what was asked for must be there
      if (process.env.GIMBAL_TEST_BACKEND) throw error;
      console.warn(`skipped on ${name}: ${(error as Error).message}`);
    }
  }
  return available;
}
