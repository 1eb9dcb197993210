/** Gives a component's elements names of their own, a default class of their own, and its bits of collision. */
import { ConfigError } from '@gimbal/tensor-core';
import { el, walk, type XmlElement } from '../mjcf/xml.ts';
import type { Component } from './component.ts';
import { classOf, classWithin, type DefaultsOf, defaultsOf } from './default-classes.ts';

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
  equalities: readonly XmlElement[];
  contacts: readonly XmlElement[];
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
  const named = naming([...component.bodies, ...component.actuators]);
  const own = { bodies: component.bodies.map(named), actuators: component.actuators.map(named) };
  const byClass = defaultsOf(component.defaults);
  const isJoint = ({ tag }: XmlElement): boolean => tag === 'joint' || tag === 'freejoint';
  const place = (body: XmlElement, isRoot: boolean): XmlElement => {
    const renamed = rename(withBits(body, placement, byClass));
    const children = frozen || carried ? renamed.children.filter((c) => !isJoint(c)) : renamed.children;
    const moved = isRoot ? movedTo(renamed, placement) : renamed.attributes;
    return el('body', { ...moved, childclass: moved.childclass ?? `${name}/main` }, children);
  };
  const removed = new Set(own.bodies.flatMap((b) => b.children.filter(isJoint).map((j) => j.attributes.name)));
  const kept = own.actuators.filter((a) => !carried || !removed.has(a.attributes.joint));
  // those outside of bodies have the class of no body around them
  const classed = (element: XmlElement): XmlElement => {
    const renamed = rename(element);
    return el(renamed.tag, { class: `${name}/main`, ...renamed.attributes }, renamed.children);
  };
  const withClass = (elements: readonly XmlElement[] = []): XmlElement[] =>
    elements.map((e) => (hasClass(e.tag) ? classed(e) : rename(e)));
  return {
    bodies: own.bodies.map((body) => place(body, true)),
    defaults: el('default', { class: `${name}/main` }, defaults.map(rename)),
    actuators: (frozen ? [] : kept).map(classed),
    tendons: withClass(component.tendons),
    sensors: (component.sensors ?? []).map(rename),
    assets: withClass(component.assets),
    equalities: withClass(component.equalities),
    contacts: withClass(component.contacts),
  };
}

/** kinds of assets, tendons, equalities and contacts that defaults speak of */
const hasClass = (tag: string): boolean =>
  ['mesh', 'material', 'spatial', 'fixed', 'connect', 'weld', 'joint', 'tendon', 'pair'].includes(tag);

/** kinds that come from a file: its path begins with the component's name, as in what the scene compiles with */
const isAsset = (tag: string): boolean => ['mesh', 'texture', 'hfield', 'skin'].includes(tag);

function prefixed(element: XmlElement, name: string): XmlElement {
  const attributes = Object.entries(element.attributes).map(([key, value]) => {
    const isReference = references.has(key) && typeof value === 'string' && value !== '' && value !== 'world';
    const isFile = key.startsWith('file') && isAsset(element.tag);
    return [key, isReference || isFile ? `${name}/${value}` : value] as const;
  });
  return el(
    element.tag,
    Object.fromEntries(attributes),
    element.children.map((child) => prefixed(child, name)),
  );
}

/** What a component owns in the compiled model is found by its names: what has none gets one. */
function naming(elements: readonly XmlElement[]): (element: XmlElement) => XmlElement {
  const taken = new Set(elements.flatMap((e) => [...walk(e)].map(({ attributes }) => attributes.name)));
  const counts = new Map<string, number>();
  const newName = (kind: string): string => {
    let n = counts.get(kind) ?? 0;
    while (taken.has(`${kind}${n}`)) n++;
    counts.set(kind, n + 1);
    return `${kind}${n}`;
  };
  const inBodies: { readonly [tag: string]: string } = {
    body: 'body',
    joint: 'joint',
    freejoint: 'joint',
    geom: 'geom',
  };
  const named = (element: XmlElement, kind: string | undefined): XmlElement => {
    const { tag, attributes } = element;
    // their children are templates, which MuJoCo names itself
    const isTemplate = tag === 'composite' || tag === 'flexcomp';
    const children = isTemplate ? element.children : element.children.map((child) => named(child, inBodies[child.tag]));
    if (kind === undefined || attributes.name !== undefined) return el(tag, attributes, children);
    return el(tag, { ...attributes, name: newName(kind) }, children);
  };
  return (element) => named(element, element.tag === 'body' ? 'body' : 'motor');
}

/**
 * Sets the bits of every geom that can touch anything. Geoms of bits 0/0, their own or by default, stay visual.
 * @param byClass what the component's default classes say
 */
function withBits(element: XmlElement, bits: Placement, byClass: DefaultsOf, outer?: string): XmlElement {
  const within = classWithin(element, outer);
  const children = element.children.map((child) => withBits(child, bits, byClass, within));
  if (element.tag !== 'geom') return el(element.tag, element.attributes, children);
  const { contype, conaffinity } = { ...byClass('geom', classOf(element, outer)), ...element.attributes };
  const isVisual = Number(contype ?? 1) === 0 && Number(conaffinity ?? 1) === 0;
  const own = isVisual ? { contype: 0, conaffinity: 0 } : { contype: bits.contype, conaffinity: bits.conaffinity };
  return el('geom', { ...element.attributes, ...own }, children);
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
