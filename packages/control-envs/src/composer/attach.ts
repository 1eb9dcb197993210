/** Gives a component's elements names of their own, a default class of their own, and its bits of collision. */
import { ConfigError } from '@gimbal/tensor-core';
import { el, type XmlElement } from '../mjcf/xml.ts';
import type { Component } from './component.ts';

/** Attributes that name another object, wherever they stand. */
const references = new Set([
  'name',
  'joint',
  'joint1',
  'joint2',
  'jointinparent',
  'body',
  'body1',
  'body2',
  'geom',
  'geom1',
  'geom2',
  'site',
  'site1',
  'site2',
  'sidesite',
  'cranksite',
  'slidersite',
  'refsite',
  'tendon',
  'tendon1',
  'tendon2',
  'actuator',
  'mesh',
  'material',
  'texture',
  'hfield',
  'target',
  'objname',
  'refname',
  'camera',
  'class',
  'childclass',
  'bodyname',
]);

export interface Attached {
  bodies: readonly XmlElement[];
  defaults: XmlElement;
  actuators: readonly XmlElement[];
  tendons: readonly XmlElement[];
  sensors: readonly XmlElement[];
  assets: readonly XmlElement[];
}

export interface Placement {
  name: string;
  pos: readonly [number, number, number];
  yaw: number;
  frozen: boolean;
  /** by a body of another component: it has no root joints, and its place is in that body's frame */
  carried: boolean;
  /** bits of this component's geoms, and of those they may touch */
  contype: number;
  conaffinity: number;
}

/** @returns the component's elements under `name/…` */
export function attach(component: Component, placement: Placement): Attached {
  const { name, frozen, carried } = placement;
  const rename = (element: XmlElement): XmlElement => prefixed(element, name);
  const density = component.composedDensity;
  const defaults = component.defaults.map((d) =>
    d.tag === 'geom' && density !== undefined && d.attributes.density === undefined
      ? el('geom', { ...d.attributes, density })
      : d,
  );
  let counter = 0;
  const isJoint = ({ tag }: XmlElement): boolean => tag === 'joint' || tag === 'freejoint';
  const place = (body: XmlElement, isRoot: boolean): XmlElement => {
    const named = rename(withBits(body, placement, () => `geom${counter++}`));
    const children = frozen || carried ? named.children.filter((c) => !isJoint(c)) : named.children;
    const moved = isRoot ? movedTo(named, placement) : named.attributes;
    return el('body', { ...moved, childclass: moved.childclass ?? `${name}/main` }, children);
  };
  const removed = new Set(component.bodies.flatMap((b) => b.children.filter(isJoint).map((j) => j.attributes.name)));
  const kept = component.actuators.filter((a) => !carried || !removed.has(a.attributes.joint));
  const actuators = (frozen ? [] : kept).map((actuator) => {
    const renamed = rename(actuator);
    return el(renamed.tag, { class: `${name}/main`, ...renamed.attributes }, renamed.children);
  });
  return {
    bodies: component.bodies.map((body) => place(body, true)),
    defaults: el('default', { class: `${name}/main` }, defaults.map(rename)),
    actuators,
    tendons: (component.tendons ?? []).map(rename),
    sensors: (component.sensors ?? []).map(rename),
    assets: (component.assets ?? []).map(rename),
  };
}

function prefixed(element: XmlElement, name: string): XmlElement {
  const attributes = Object.entries(element.attributes).map(([key, value]) => {
    const isReference = references.has(key) && typeof value === 'string' && value !== '' && value !== 'world';
    return [key, isReference ? `${name}/${value}` : value] as const;
  });
  return el(
    element.tag,
    Object.fromEntries(attributes),
    element.children.map((child) => prefixed(child, name)),
  );
}

/** Sets the bits of every geom that can touch anything; unnamed ones get a name. Geoms of bits 0/0 stay visual. */
function withBits(element: XmlElement, bits: Placement, newName: () => string): XmlElement {
  const children = element.children.map((child) => withBits(child, bits, newName));
  if (element.tag !== 'geom') return el(element.tag, element.attributes, children);
  const { contype, conaffinity } = element.attributes;
  const isVisual = Number(contype ?? 1) === 0 && Number(conaffinity ?? 1) === 0;
  const own = isVisual ? { contype: 0, conaffinity: 0 } : { contype: bits.contype, conaffinity: bits.conaffinity };
  return el('geom', { ...element.attributes, name: element.attributes.name ?? newName(), ...own }, children);
}

function movedTo(body: XmlElement, { name, pos, yaw, carried }: Placement): XmlElement['attributes'] {
  const own = (carried ? undefined : numbers(body.attributes.pos)) ?? [0, 0, 0];
  const [x, y, z] = own as [number, number, number];
  const [cos, sin] = [Math.cos(yaw), Math.sin(yaw)];
  const moved = [pos[0] + cos * x - sin * y, pos[1] + sin * x + cos * y, pos[2] + z];
  if (yaw === 0) return { ...body.attributes, pos: moved };
  for (const other of ['euler', 'axisangle', 'xyaxes', 'zaxis'] as const) {
    if (body.attributes[other] === undefined) continue;
    throw new ConfigError({
      where: `scene: ${name}`,
      what: `its root is turned by ${other}`,
      fix: 'Use quat there, or no yaw',
    });
  }
  const [w = 1, i = 0, j = 0, k = 0] = numbers(body.attributes.quat) ?? [];
  const [a, b] = [Math.cos(yaw / 2), Math.sin(yaw / 2)];
  return { ...body.attributes, pos: moved, quat: [a * w - b * k, a * i - b * j, a * j + b * i, a * k + b * w] };
}

function numbers(value: XmlElement['attributes'][string] | undefined): number[] | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value.trim().split(/\s+/).map(Number) : [...(value as readonly number[])];
}
