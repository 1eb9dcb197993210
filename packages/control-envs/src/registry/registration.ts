/** What the registry knows about an environment. */
import type { Env } from '@gimbal/tensor-core';

/** One entry of the registry: how an environment is named, made and set. */
export interface EnvRegistration<Options extends object = object> {
  /** `Name-v3` or `namespace/Name-v3`: a change that alters results is a new version */
  readonly id: string;
  /** one line for lists */
  readonly summary: string;
  /** every option and its default; others are refused */
  readonly defaults: { readonly [K in keyof Required<Options>]: Options[K] | undefined };
  /** builds one; worker threads build theirs by the same call */
  make(options: Options): Env | Promise<Env>;
}

/** Writes a registration so that its options are checked by the compiler. */
export const registration = <Options extends object>(r: EnvRegistration<Options>): EnvRegistration =>
  r as unknown as EnvRegistration;
