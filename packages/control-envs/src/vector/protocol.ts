/** How the main thread and a worker talk: a few words of shared memory, and a port for what does not fit there. */
import type { AutoresetMode } from '@gimbal/tensor-core';
import type { VectorArrays } from './arrays.ts';

/** Words of the control array. */
export const word = {
  /** counts commands given */
  given: 0,
  /** counts commands done */
  done: 1,
  /** the command */
  command: 2,
  /** 1: the command failed, the error is on the port */
  failed: 3,
} as const;

export const command = { step: 1, reset: 2, save: 3, load: 4, close: 5 } as const;

/**
 * Watches a word without sleeping.
 * @returns whether it became `wanted` within `ms`
 */
export function spinUntil(control: Int32Array, index: number, wanted: number, ms: number): boolean {
  if (Atomics.load(control, index) === wanted) return true;
  if (ms <= 0) return false;
  const end = performance.now() + ms;
  do {
    for (let i = 0; i < 200; i++) if (Atomics.load(control, index) === wanted) return true;
  } while (performance.now() < end);
  return false;
}

export interface WorkerSetup {
  id: string;
  options: object;
  /** copies from … from + count */
  from: number;
  count: number;
  mode: AutoresetMode;
  arrays: VectorArrays;
  control: Int32Array;
  /** imported first: they register environments */
  modules: readonly string[];
}

export interface ResetPayload {
  seeds: readonly (number | null)[] | undefined;
  mask: Uint8Array | undefined;
  options: object | undefined;
}

/** An error as it crosses threads. */
export interface SentError {
  name: string;
  code: string | undefined;
  message: string;
}

export const sendable = (error: unknown): SentError => {
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  return { name: name ?? 'Error', code, message: message ?? String(error) };
};

/** The error again, with its name and code: `instanceof` does not cross threads, `code` does. */
export const received = ({ name, code, message }: SentError): Error =>
  Object.assign(new Error(message), { name, ...(code !== undefined && { code }) });
