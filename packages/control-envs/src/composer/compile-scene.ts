/** A scene as one MJCF model. */
import { ConfigError, nearest } from '@gimbal/tensor-core';
import { floorLook, sun, writeModel } from '../mjcf/model.ts';
import { el, walk, type XmlElement } from '../mjcf/xml.ts';
import { type Attached, attach } from './attach.ts';
import { checkScene } from './check-scene.ts';
import type { Component, PhysicsOptions } from './component.ts';
import { makeComponent } from './kinds.ts';
import { edgeName, type Scene, type SceneComponent } from './scene.ts';

/** A scene ready for the engine. */
export interface CompiledScene {
  /** the whole model as MJCF text, angles in radians */
  mjcf: string;
  /** components by name, as the scene made them; sorted by name, which is the order of their motors */
  components: ReadonlyMap<string, Component>;
  /** files that the text names, by path: `component/path`; what `compileMjcf` takes */
  files: { readonly [path: string]: Uint8Array };
}

/**
 * Writes a scene as one MJCF model, with a component's objects called `component/name`; does not run the engine.
 * @throws ConfigError for a scene that contradicts itself, with the path in its description
 * @example const { mjcf } = compileScene(antChase());
 */
export function compileScene(scene: Scene): CompiledScene {
  checkScene(scene);
  const names = Object.keys(scene.components).sort();
  const components = new Map(
    names.map((name) => {
      const { use, params = {} } = scene.components[name] as SceneComponent;
      return [name, makeComponent(use, params, `scene.components.${name}`)] as const;
    }),
  );
  const bits = collisionBits(scene, names, components);
  const attached = names.map((name): Attached => {
    const { pos = [0, 0, 0], yaw = 0, frozen = false, on } = scene.components[name] as SceneComponent;
    const [contype, conaffinity] = bits.get(name) as [number, number];
    const placement = { name, pos, yaw, frozen, carried: on !== undefined, contype, conaffinity };
    return attach(components.get(name) as Component, placement);
  });
  const [contype, conaffinity] = bits.get('ground') as [number, number];
  const ground = { contype, conaffinity, condim: 3, friction: [1, 0.5, 0.5], margin: 0.01 };
  const floor = el('geom', { name: 'floor', type: 'plane', ...floorLook, ...ground });
  const mjcf = writeModel({
    name: 'scene',
    options: mergedOptions(scene, components),
    defaults: attached.map((a) => a.defaults),
    assets: attached.flatMap((a) => a.assets),
    world: [sun, floor, ...carriedBodies(scene, names, components, attached)],
    contacts: [...attached.flatMap((a) => a.contacts), ...rootPairs(scene, names, attached)],
    equalities: attached.flatMap((a) => a.equalities),
    actuators: attached.flatMap((a) => a.actuators),
    tendons: attached.flatMap((a) => a.tendons),
    sensors: attached.flatMap((a) => a.sensors),
    memory: '16M',
  });
  const files = [...components].flatMap(([name, { files: own = {} }]) =>
    Object.entries(own).map(([path, bytes]): [string, Uint8Array] => [`${name}/${path}`, bytes]),
  );
  return { mjcf, components, files: Object.fromEntries(files) };
}

const collideOf = (scene: Scene, a: string, b: string): 'full' | 'root' | 'none' => {
  const touches = (name: string): boolean => name === 'ground' || scene.components[name]?.collide !== false;
  if (!touches(a) || !touches(b)) return 'none';
  const carries = (x: string, y: string): boolean => scene.components[y]?.on?.split('/')[0] === x;
  const unsaid = carries(a, b) || carries(b, a) ? 'none' : 'full';
  return scene.edges?.find(({ between: [x, y] }) => edgeName(x, y) === edgeName(a, b))?.collide ?? unsaid;
};

/** The bodies of the world: what is carried stands among the children of the body that carries it. */
function carriedBodies(
  scene: Scene,
  names: readonly string[],
  components: ReadonlyMap<string, Component>,
  attached: readonly Attached[],
): XmlElement[] {
  const all = (name: string): readonly XmlElement[] => attached[names.indexOf(name)]?.bodies ?? [];
  const carriedBy = new Map<string, string[]>();
  for (const name of names) {
    const { on } = scene.components[name] as SceneComponent;
    if (on === undefined) continue;
    const [carrier = '', body = components.get(carrier)?.root] = on.split('/');
    const full = `${carrier}/${body}`;
    const bodies = all(carrier).flatMap((b) => [...walk(b)].filter(({ tag }) => tag === 'body'));
    const known = bodies.map((b) => String(b.attributes.name));
    if (!known.includes(full)) {
      const guess = nearest(full, known);
      const fix = guess === undefined ? `It has ${known.join(', ')}` : `Did you mean ${guess}?`;
      throw new ConfigError({ where: `scene.components.${name}.on`, what: 'no such body', got: on, fix });
    }
    carriedBy.set(full, [...(carriedBy.get(full) ?? []), name]);
  }
  const loaded = (e: XmlElement): XmlElement => {
    const load = (e.tag === 'body' && carriedBy.get(String(e.attributes.name))) || [];
    return el(e.tag, e.attributes, [...e.children.map(loaded), ...load.flatMap((name) => all(name).map(loaded))]);
  };
  return names.filter((name) => scene.components[name]?.on === undefined).flatMap((name) => all(name).map(loaded));
}

/** Each component has a bit; what it may touch is its affinity. Source models' own bits would let two ants pass. */
function collisionBits(
  scene: Scene,
  names: readonly string[],
  components: ReadonlyMap<string, Component>,
): Map<string, [contype: number, conaffinity: number]> {
  const all = ['ground', ...names];
  const bit = (name: string): number => 1 << all.indexOf(name);
  return new Map(
    all.map((name) => {
      const partners = all.filter((other) => other !== name && collideOf(scene, name, other) === 'full');
      const own = components.get(name)?.selfCollides && scene.components[name]?.collide !== false ? bit(name) : 0;
      const affinity = partners.reduce((mask, other) => mask | bit(other), own);
      // a bit that nothing looks for would still meet the affinity of others: only partners have it
      return [name, [affinity === 0 ? 0 : bit(name), affinity]];
    }),
  );
}

/** Edges of roots alone: the geoms of one root with those of the other, named one by one. */
function rootPairs(scene: Scene, names: readonly string[], attached: readonly Attached[]): XmlElement[] {
  const rootGeoms = (name: string): string[] => {
    if (name === 'ground') return ['floor'];
    const [root] = attached[names.indexOf(name)]?.bodies ?? [];
    return (root?.children ?? []).filter((c) => c.tag === 'geom').map((c) => String(c.attributes.name));
  };
  return (scene.edges ?? [])
    .filter(({ between: [a, b] }) => collideOf(scene, a, b) === 'root')
    .flatMap(({ between: [a, b] }) =>
      rootGeoms(a).flatMap((geom1) => rootGeoms(b).map((geom2) => el('pair', { geom1, geom2, condim: 3 }))),
    );
}

/** What components agree on, or the scene decides. */
function mergedOptions(scene: Scene, components: ReadonlyMap<string, Component>): PhysicsOptions {
  const merged: { [key: string]: unknown } = {};
  const from: { [key: string]: string } = {};
  const decided = scene.globalOptions ?? {};
  for (const [name, { options }] of components) {
    for (const [key, value] of Object.entries(options)) {
      if (key in decided) continue;
      if (key in merged && JSON.stringify(merged[key]) !== JSON.stringify(value)) {
        const got = { [from[key] as string]: merged[key], [name]: value };
        const fix = `Decide it: globalOptions: { ${key}: … }`;
        throw new ConfigError({ where: 'scene.globalOptions', what: `components differ in ${key}`, got, fix });
      }
      merged[key] = value;
      from[key] = name;
    }
  }
  return { ...merged, ...decided } as PhysicsOptions;
}
