/** One MJCF model from components: the tasks have one, scenes several. */
import type { Component, PhysicsOptions } from '../composer/component.ts';
import { el, writeXml, type XmlElement } from './xml.ts';

/** The parts of a model; empty sections are left out. */
export interface ModelParts {
  name: string;
  options: PhysicsOptions;
  /** children of the main default class */
  defaults?: readonly XmlElement[];
  assets?: readonly XmlElement[];
  world: readonly XmlElement[];
  actuators?: readonly XmlElement[];
  tendons?: readonly XmlElement[];
  sensors?: readonly XmlElement[];
  contacts?: readonly XmlElement[];
  equalities?: readonly XmlElement[];
  /** kg: all masses are scaled to it */
  totalMass?: number;
  /** of one simulation's working memory; default 4 MiB, a hundred times what the bodies here use */
  memory?: string;
  /** whether the solver takes groups of touching bodies apart; default true */
  islands?: boolean;
}

const section = (tag: string, children: readonly XmlElement[] | undefined): XmlElement | undefined =>
  children === undefined || children.length === 0 ? undefined : el(tag, {}, children);

/** The XML text. MuJoCo's own reset of diverged states is off: it would be an unmarked jump. */
export function writeModel(parts: ModelParts): string {
  return writeXml(
    el('mujoco', { model: parts.name }, [
      el('compiler', { angle: 'radian', settotalmass: parts.totalMass }),
      el('size', { memory: parts.memory ?? '4M' }),
      el('option', { ...parts.options }, [
        el('flag', { autoreset: 'disable', ...(parts.islands === false && { island: 'disable' }) }),
      ]),
      section('default', parts.defaults),
      section('asset', parts.assets),
      section('worldbody', parts.world),
      section('contact', parts.contacts),
      section('tendon', parts.tendons),
      section('equality', parts.equalities),
      section('actuator', parts.actuators),
      section('sensor', parts.sensors),
    ]),
  );
}

/** The sun over every scene. */
export const sun = el('light', {
  name: 'sun',
  directional: true,
  cutoff: 100,
  exponent: 1,
  pos: [0, 0, 1.3],
  dir: [0, 0, -1.3],
  diffuse: [1, 1, 1],
  specular: [0.1, 0.1, 0.1],
});

export const floorLook = { size: [40, 40, 40], rgba: [0.8, 0.9, 0.8, 1] } as const;

/** The model of one component on the ground it was designed for. */
export function taskModel(component: Component): string {
  const { kind, bodies, defaults, actuators, tendons, options, floor, scenery = [], totalMass } = component;
  const ground = floor === undefined ? [] : [el('geom', { name: 'floor', type: 'plane', ...floorLook, ...floor })];
  return writeModel({
    name: kind,
    options,
    defaults,
    world: [sun, ...ground, ...scenery, ...bodies],
    actuators,
    // one body is one island: looking for others costs up to a tenth of a step and changes no bit
    islands: false,
    ...(tendons !== undefined && { tendons }),
    ...(totalMass !== undefined && { totalMass }),
  });
}
