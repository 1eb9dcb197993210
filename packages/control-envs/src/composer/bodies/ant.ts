/** Ants: a sphere on N legs of three capsules, evenly spaced. With four legs it is Gymnasium's Ant. */
import { ConfigError } from '@gimbal/tensor-core';
import { el, type XmlElement } from '../../mjcf/xml.ts';
import { type Component, deg } from '../component.ts';
import { trackingCamera } from './planar-root.ts';

export interface AntOptions {
  /** number of legs, 2 to 12; default 4 */
  legs?: number;
}

export function ant({ legs = 4 }: AntOptions = {}): Component {
  if (!Number.isSafeInteger(legs) || legs < 2 || legs > 12) {
    throw new ConfigError({ where: 'ant', what: 'bad number of legs', got: legs, wanted: '2 to 12' });
  }
  const order = Array.from({ length: legs }, (_, k) => k + 1);
  const contact = { friction: [1, 0.5, 0.5], margin: 0.01 };
  const torso = el('body', { name: 'torso', pos: [0, 0, 0.75] }, [
    trackingCamera([0, -3, 0.3]),
    el('geom', { name: 'torso_geom', type: 'sphere', pos: [0, 0, 0], size: 0.25 }),
    el('joint', { name: 'root', type: 'free', armature: 0, damping: 0, limited: false, margin: 0.01, pos: [0, 0, 0] }),
    ...order.map((k) => leg(k, legs)),
  ]);
  return {
    kind: 'ant',
    root: 'torso',
    bodies: [torso],
    defaults: [
      el('joint', { armature: 1, damping: 1, limited: true }),
      el('geom', { contype: 1, conaffinity: 0, condim: 3, density: 5, rgba: [0.8, 0.6, 0.4, 1], ...contact }),
    ],
    // the last leg's motors come first, as in Gymnasium's Ant
    actuators: [legs, ...order.slice(0, -1)].flatMap((k) =>
      ['hip', 'ankle'].map((part) =>
        el('motor', { name: `${part}_${k}`, joint: `${part}_${k}`, gear: 150, ctrllimited: true, ctrlrange: [-1, 1] }),
      ),
    ),
    selfCollides: false,
    options: { timestep: 0.01, integrator: 'RK4' },
    floor: { contype: 1, conaffinity: 1, condim: 3, ...contact },
    healthy: { z: [0.2, 1], up: 0 },
  };
}

/** Leg k of n: a fixed stump, a part that the hip swings by ±30°, and a shin that the ankle bends by 30 to 70°. */
function leg(k: number, n: number): XmlElement {
  const angle = Math.PI / 4 + (2 * Math.PI * (k - 1)) / n;
  const along = (length: number): number[] => [tidy(length * Math.cos(angle)), tidy(length * Math.sin(angle)), 0];
  const near = along(0.2 * Math.SQRT2);
  const far = along(0.4 * Math.SQRT2);
  // Gymnasium's legs 2 and 3 count their ankle's angle the other way round
  const sign = n === 4 && (k === 2 || k === 3) ? -1 : 1;
  const bend = sign > 0 ? deg(30, 70) : deg(-70, -30);
  const across = [tidy(-sign * Math.SQRT2 * Math.sin(angle)), tidy(sign * Math.SQRT2 * Math.cos(angle)), 0];
  const capsule = (name: string, end: readonly number[]): XmlElement =>
    el('geom', { name: `${name}_${k}_geom`, type: 'capsule', fromto: [0, 0, 0, ...end], size: 0.08 });
  const hinge = (name: string, axis: readonly number[], range: readonly number[]): XmlElement =>
    el('joint', { name: `${name}_${k}`, type: 'hinge', axis, range, pos: [0, 0, 0] });
  const shin = el('body', { name: `shin_${k}`, pos: near }, [hinge('ankle', across, bend), capsule('shin', far)]);
  const thigh = el('body', { name: `aux_${k}`, pos: near }, [
    hinge('hip', [0, 0, 1], deg(-30, 30)),
    capsule('thigh', near),
    shin,
  ]);
  return el('body', { name: `leg_${k}`, pos: [0, 0, 0] }, [capsule('aux', near), thigh]);
}

/** Twelve digits: cos 45° times √2 is 1, as written in the definitions. */
const tidy = (x: number): number => Math.round(x * 1e12) / 1e12 + 0;
