// A lean gradient tape and kernel call for TensorFlow.js. The stock engine costs about 1 µs a kernel and 10 µs a kernel
// with gradient: it looks kernels up by concatenated strings, runs an `Identity` kernel for every tensor it saves, records
// everything whether or not a gradient needs it, filters the record, and keeps every intermediate gradient to the end.
// Here: look-ups are cached; a kernel is recorded only where an input depends on what is differentiated; saving a tensor
// is a reference count; the backward pass walks the record once and frees each gradient and saved tensor behind it.
//
// What holds as before: tf.grad and its relatives, customGrad, gradients of gradients, kernels with several outputs,
// user-registered kernels and gradients, tidy, keep, memory(), profile() and debug mode, tensors that move between
// backends. What differs: a comparison ends a gradient (its output is bool; what only it depends on gets zeros) instead
// of needing a gradient of its own.
//
// It replaces methods of tfjs's engine, so it is this one folder with a switch, and refuses another tfjs-core than the
// one it was written for. tfjs-core's own suite passes with the switch on and off.

import { version_core } from '@tensorflow/tfjs-core';
import { NativeError } from '../errors.ts';
import { gradients } from './backward.ts';
import { type Method, stock, type TfEngine, tf, written } from './engine.ts';
import { addTapeNode, forgetKernels, registries, runKernel, runKernelFunc } from './run-kernel.ts';
import { disposeTensor, endScope, installTable, startScope, tidy, trackTensor } from './scopes.ts';

const replacements: { [K in Method]: TfEngine[K] } = {
  runKernel: runKernel as TfEngine['runKernel'],
  runKernelFunc,
  gradients,
  addTapeNode,
  tidy,
  startScope,
  endScope,
  trackTensor,
  disposeTensor,
  reset() {
    stock.reset.call(tf);
    installTable();
  },
};

let isOn = false;

/** Empties our cache at each change of a registry, which is a Map that tfjs keeps in a global. */
function watchRegistries(on: boolean): void {
  for (const registry of Object.values(registries()) as Map<string, unknown>[]) {
    for (const change of ['set', 'delete'] as const) {
      if (!on) delete (registry as unknown as { [change]?: unknown })[change];
      else {
        Object.defineProperty(registry, change, {
          configurable: true,
          value(...args: [string, unknown]) {
            forgetKernels();
            return (Map.prototype[change] as (...a: unknown[]) => unknown).apply(this, args);
          },
        });
      }
    }
  }
}

/**
 * Switches the lean tape on or off, for the whole process, between computations: not inside a gradient.
 * @param on what is wanted
 * @throws NativeError inside a gradient or a kernel
 * @returns whether it is on now: never with another tfjs-core than the one it replaces parts of
 */
export function setLeanTape(on: boolean): boolean {
  if (on === isOn || version_core !== written) return isOn;
  const { state } = tf;
  if (state.gradientDepth > 0 || state.kernelDepth > 0)
    throw new NativeError('ERR_CONFIG', {
      where: 'setLeanTape',
      what: 'not inside a gradient or a kernel',
      fix: 'Switch it between computations',
    });
  for (const name of Object.keys(replacements) as Method[]) {
    if (on) (tf as unknown as { [name: string]: unknown })[name] = replacements[name];
    else delete (tf as unknown as { [name: string]: unknown })[name];
  }
  isOn = on;
  if (on) installTable();
  forgetKernels();
  watchRegistries(on);
  return isOn;
}

/** Whether the lean tape is on. */
export function isLeanTape(): boolean {
  return isOn;
}
