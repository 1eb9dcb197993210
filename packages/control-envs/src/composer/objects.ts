/** Bodies without motors: spheres, boxes, capsules. Their mass follows from their size at the density given. */
import { ConfigError } from '@gimbal/tensor-core';
import { el } from '../mjcf/xml.ts';
import type { Component } from './component.ts';
import { finite } from './scene-values.ts';

export interface ObjectOptions {
  /** metres; of a sphere or capsule */
  radius?: number;
  /** half sizes of a box, metres */
  halfSize?: readonly [number, number, number];
  /** half length of a capsule's straight part, metres */
  halfLength?: number;
  /** kg/m³; default 100 */
  density?: number;
  rgba?: readonly [number, number, number, number];
}

const contact = { friction: [1, 0.5, 0.5], margin: 0.01 };

function object(kind: string, type: string, size: readonly number[], height: number, o: ObjectOptions): Component {
  for (const length of size) {
    if (length > 0 && Number.isFinite(length)) continue;
    throw new ConfigError({ where: kind, what: 'bad size', got: size, wanted: 'positive numbers, in metres' });
  }
  const { density = 100, rgba = [0.3, 0.5, 0.8, 1] } = o;
  if (!(density > 0 && Number.isFinite(density))) {
    throw new ConfigError({ where: kind, what: 'bad density', got: density, wanted: 'kg/m³ above 0' });
  }
  finite(rgba, 4, `${kind}: rgba`);
  return {
    kind,
    root: 'body',
    bodies: [
      el('body', { name: 'body', pos: [0, 0, height] }, [
        el('joint', { name: 'root', type: 'free' }),
        el('geom', { name: 'geom', type, size, density, rgba }),
      ]),
    ],
    defaults: [el('geom', { contype: 1, conaffinity: 1, condim: 3, ...contact })],
    actuators: [],
    selfCollides: false,
    options: {},
    floor: undefined,
  };
}

export function sphere(o: ObjectOptions = {}): Component {
  const { radius = 0.5 } = o;
  return object('sphere', 'sphere', [radius], radius, o);
}

export function boxObject(o: ObjectOptions = {}): Component {
  const { halfSize = [0.5, 0.5, 0.5] } = o;
  finite(halfSize, 3, 'box: halfSize');
  return object('box', 'box', halfSize, halfSize[2], o);
}

/** Standing. */
export function capsuleObject(o: ObjectOptions = {}): Component {
  const { radius = 0.2, halfLength = 0.5 } = o;
  return object('capsule', 'capsule', [radius, halfLength], radius + halfLength, o);
}
