// The native package, where it is installed: counters and memory that no other backend has.

type Native = typeof import('@gimbal/tensor-native');

/** @returns the package, or undefined where it is not installed (its binary may still be missing) */
export async function nativePackage(): Promise<Native | undefined> {
  try {
    return await import('@gimbal/tensor-native');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
