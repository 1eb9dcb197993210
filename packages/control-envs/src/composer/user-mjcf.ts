/** A user's MJCF as a component. What a model has only once (options, angle unit, total mass) becomes part of it. */
import { ConfigError } from '@gimbal/tensor-core';
import { parseXml } from '../mjcf/parse-xml.ts';
import { el, walk, type XmlElement } from '../mjcf/xml.ts';
import type { Component, PhysicsOptions } from './component.ts';

export interface MjcfOptions {
  /** the text; includes and mesh files are not looked up */
  mjcf: string;
  /** name of the root body; default: the first in the world */
  root?: string;
}

/** @throws DataError for malformed XML; ConfigError for what cannot be attached */
export function mjcfComponent({ mjcf, root }: MjcfOptions): Component {
  const where = 'mjcf component';
  if (typeof mjcf !== 'string')
    throw new ConfigError({ where, what: 'no text', got: mjcf, wanted: '{ mjcf: "<mujoco>…" }' });
  const model = parseXml(mjcf, where);
  const section = (tag: string): XmlElement[] => model.children.filter((c) => c.tag === tag).flatMap((c) => c.children);
  const compiler = Object.assign({}, ...model.children.filter((c) => c.tag === 'compiler').map((c) => c.attributes));
  for (const tag of ['include', 'settotalmass']) {
    if (![...walk(model)].some((e) => e.tag === tag) && compiler[tag] === undefined) continue;
    const fix = tag === 'include' ? 'Put the included text in its place' : 'Give the geoms their mass';
    throw new ConfigError({ where, what: `${tag} cannot be attached`, fix });
  }
  const radians = compiler.angle === 'radian';
  const defaultElements = section('default');
  const jointsSlide = defaultElements.some((d) => d.tag === 'joint' && d.attributes.type === 'slide');
  const convert = (e: XmlElement): XmlElement => (radians ? e : toRadians(e, jointsSlide));
  const bodies = section('worldbody')
    .filter((e) => e.tag === 'body')
    .map(convert);
  const rootName = root ?? String(bodies[0]?.attributes.name ?? '');
  const chosen = bodies.find((b) => b.attributes.name === rootName);
  if (chosen === undefined) {
    const names = bodies.map((b) => b.attributes.name ?? '(unnamed)');
    throw new ConfigError({ where, what: 'no such root body in the world', got: rootName, wanted: names.join(', ') });
  }
  if (defaultElements.some((d) => d.tag === 'default')) {
    const fix = 'Write the attributes of nested default classes at their elements';
    throw new ConfigError({ where, what: 'nested default classes cannot be attached', fix });
  }
  const option = Object.assign({}, ...model.children.filter((c) => c.tag === 'option').map((c) => c.attributes));
  return {
    kind: 'mjcf',
    root: rootName,
    bodies: [chosen, ...bodies.filter((b) => b !== chosen)],
    defaults: defaultElements.map(convert),
    actuators: section('actuator'),
    tendons: section('tendon'),
    sensors: section('sensor'),
    assets: section('asset').filter((a) => a.attributes.file === undefined || a.tag !== 'model'),
    selfCollides: true,
    options: readOptions(option),
    floor: undefined,
  };
}

function readOptions(option: { [name: string]: string }): PhysicsOptions {
  const numeric = ['timestep', 'iterations', 'density', 'viscosity'] as const;
  const words = ['integrator', 'solver'] as const;
  return {
    ...Object.fromEntries(numeric.flatMap((k) => (option[k] === undefined ? [] : [[k, Number(option[k])]]))),
    ...Object.fromEntries(words.flatMap((k) => (option[k] === undefined ? [] : [[k, option[k]]]))),
    ...(option.gravity !== undefined && {
      gravity: option.gravity.split(/\s+/).map(Number) as [number, number, number],
    }),
  } as PhysicsOptions;
}

/** MJCF's angles are degrees unless the compiler says radian: ranges of hinges, Euler angles, the angle of axisangle. */
function toRadians(element: XmlElement, jointsSlide: boolean): XmlElement {
  const { tag, attributes } = element;
  const scale = (value: unknown, from = 0): number[] =>
    String(value)
      .trim()
      .split(/\s+/)
      .map((x, i) => (i < from ? Number(x) : Number(x) * (Math.PI / 180)));
  const turned: { [name: string]: number[] } = {};
  if (attributes.euler !== undefined) turned.euler = scale(attributes.euler);
  if (attributes.axisangle !== undefined) turned.axisangle = scale(attributes.axisangle, 3);
  const type = attributes.type ?? (jointsSlide ? 'slide' : 'hinge');
  if (tag === 'joint' && type !== 'slide' && type !== 'free') {
    for (const name of ['range', 'ref', 'springref'] as const) {
      if (attributes[name] !== undefined) turned[name] = scale(attributes[name]);
    }
  }
  return el(
    tag,
    { ...attributes, ...turned },
    element.children.map((child) => toRadians(child, jointsSlide)),
  );
}
