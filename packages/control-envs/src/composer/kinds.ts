/** The kinds of components a scene may use, by name: what makes scenes plain data. */
import { ConfigError, nearest } from '@gimbal/tensor-core';
import * as bodies from './bodies/index.ts';
import type { Component } from './component.ts';
import { boxObject, capsuleObject, sphere } from './objects.ts';
import { onlyKeys } from './scene-values.ts';
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

const ofObjects = ['density', 'rgba'];
/** What the kinds above take; kinds of a program's own check for themselves. */
const params = new Map<string, readonly string[]>([
  ...[...kinds.keys()].map((kind): [string, string[]] => [kind, []]),
  ['ant', ['legs']],
  ['box', ['halfSize', ...ofObjects]],
  ['capsule', ['radius', 'halfLength', ...ofObjects]],
  ['mjcf', ['xmlFile', 'mjcf', 'files', 'root']],
  ['sphere', ['radius', ...ofObjects]],
]);

/** Adds a kind of one's own; scenes that use it need it registered wherever they are made. */
export function registerComponent(kind: string, make: (params: never) => Component): void {
  if (kinds.has(kind)) throw new ConfigError({ where: 'registerComponent', what: 'the kind is taken', got: kind });
  kinds.set(kind, make);
}

/**
 * @param path of the component in its scene
 * @throws ConfigError for an unknown kind or parameter; the nearest is suggested
 */
export function makeComponent(kind: string, given: object, path: string): Component {
  const make = kinds.get(kind);
  if (make !== undefined) {
    onlyKeys(given, params.get(kind) ?? Object.keys(given), `${path}.params`);
    return make(given as never);
  }
  const guess = nearest(kind, kinds.keys());
  const fix = guess === undefined ? `There are ${[...kinds.keys()].join(', ')}` : `Did you mean ${guess}?`;
  throw new ConfigError({ where: `${path}.use`, what: 'no such kind of component', got: kind, fix });
}
