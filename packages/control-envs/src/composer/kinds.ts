/** The kinds of components a scene may use, by name: what makes scenes plain data. */
import { ConfigError, nearest } from '@gimbal/tensor-core';
import * as bodies from './bodies/index.ts';
import type { Component } from './component.ts';
import { boxObject, capsuleObject, sphere } from './objects.ts';
import { type MjcfOptions, mjcfComponent } from './user-mjcf.ts';

type Maker = (params: never) => Component;

const kinds = new Map<string, Maker>([
  ['ant', bodies.ant as Maker],
  ['box', boxObject as Maker],
  ['capsule', capsuleObject as Maker],
  ['half-cheetah', bodies.halfCheetah],
  ['hopper', bodies.hopper],
  ['humanoid', bodies.humanoid],
  ['mjcf', ((o: MjcfOptions) => mjcfComponent(o)) as Maker],
  ['octopus', (() => ({ ...bodies.ant({ legs: 8 }), kind: 'octopus' })) as Maker],
  ['sphere', sphere as Maker],
  ['swimmer', bodies.swimmer],
  ['walker2d', bodies.walker2d],
]);

/** Adds a kind of one's own; scenes that use it need it registered wherever they are made. */
export function registerComponent(kind: string, make: (params: never) => Component): void {
  if (kinds.has(kind)) throw new ConfigError({ where: 'registerComponent', what: 'the kind is taken', got: kind });
  kinds.set(kind, make);
}

/** @throws ConfigError for an unknown kind; the nearest is suggested */
export function makeComponent(kind: string, params: object, where: string): Component {
  const make = kinds.get(kind);
  if (make !== undefined) return make(params as never);
  const guess = nearest(kind, kinds.keys());
  const fix = guess === undefined ? `There are ${[...kinds.keys()].join(', ')}` : `Did you mean ${guess}?`;
  throw new ConfigError({ where, what: 'no such kind of component', got: kind, fix });
}
