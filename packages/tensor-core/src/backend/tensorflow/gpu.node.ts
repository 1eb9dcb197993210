// Whether this machine has a driver for NVIDIA GPUs.
import { existsSync } from 'node:fs';

/** Present while NVIDIA's driver is loaded: Linux, and Linux inside Windows. */
const signs = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/usr/lib/wsl/lib/libcuda.so.1'];

/** @param paths files that only a machine with a driver has */
export const hasDriver = (paths: readonly string[] = signs): boolean => paths.some((path) => existsSync(path));
