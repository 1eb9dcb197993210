/** Poles on a cart that slides on a rail: one (InvertedPendulum) or two (InvertedDoublePendulum). */
import { el, type XmlElement } from '../../mjcf/xml.ts';
import { type Component, deg } from '../component.ts';

// biome-ignore lint/suspicious/noApproximativeNumericConstant: the definition's own number
const lying = [0.707, 0, 0.707, 0];
const geom = { contype: 0, friction: [1, 0.1, 0.1], rgba: [0.7, 0.7, 0, 1] };
const teal = [0, 0.7, 0.7, 1];

const rail = el('geom', {
  name: 'rail',
  type: 'capsule',
  pos: [0, 0, 0],
  quat: lying,
  size: [0.02, 1],
  ...geom,
  rgba: [0.3, 0.3, 0.7, 1],
});
const cartGeom = el('geom', { name: 'cart', type: 'capsule', pos: [0, 0, 0], quat: lying, size: [0.1, 0.1] });
const pole = (name: string, radius: number, fromto: readonly number[]): XmlElement =>
  el('geom', { name, type: 'capsule', fromto, size: radius, rgba: teal });
const slider = (margin: object = {}): XmlElement =>
  el('joint', {
    name: 'slider',
    type: 'slide',
    axis: [1, 0, 0],
    pos: [0, 0, 0],
    limited: true,
    range: [-1, 1],
    ...margin,
  });
const motor = (gear: number, reach: number): XmlElement =>
  el('motor', { name: 'slide', joint: 'slider', gear, ctrllimited: true, ctrlrange: [-reach, reach] });

export function invertedPendulum(): Component {
  const upper = el('body', { name: 'pole', pos: [0, 0, 0] }, [
    el('joint', { name: 'hinge', type: 'hinge', axis: [0, 1, 0], pos: [0, 0, 0], range: deg(-90, 90) }),
    pole('cpole', 0.049, [0, 0, 0, 0.001, 0, 0.6]),
  ]);
  return {
    kind: 'inverted-pendulum',
    root: 'cart',
    bodies: [el('body', { name: 'cart', pos: [0, 0, 0] }, [slider(), cartGeom, upper])],
    defaults: [el('joint', { armature: 0, damping: 1, limited: true }), el('geom', geom)],
    actuators: [motor(100, 3)],
    selfCollides: false,
    options: { timestep: 0.02, integrator: 'RK4', gravity: [0, 0, -9.81] },
    floor: undefined,
    scenery: [rail],
  };
}

export function invertedDoublePendulum(): Component {
  const hinge = (name: string): XmlElement => el('joint', { name, type: 'hinge', axis: [0, 1, 0], pos: [0, 0, 0] });
  const second = el('body', { name: 'pole2', pos: [0, 0, 0.6] }, [
    hinge('hinge2'),
    pole('cpole2', 0.045, [0, 0, 0, 0, 0, 0.6]),
    el('site', { name: 'tip', pos: [0, 0, 0.6], size: [0.01, 0.01] }),
  ]);
  const first = el('body', { name: 'pole', pos: [0, 0, 0] }, [
    hinge('hinge'),
    pole('cpole', 0.045, [0, 0, 0, 0, 0, 0.6]),
    second,
  ]);
  return {
    kind: 'inverted-double-pendulum',
    root: 'cart',
    bodies: [el('body', { name: 'cart', pos: [0, 0, 0] }, [slider({ margin: 0.01 }), cartGeom, first])],
    defaults: [el('joint', { damping: 0.05 }), el('geom', geom)],
    actuators: [motor(500, 1)],
    selfCollides: false,
    options: { timestep: 0.01, integrator: 'RK4', gravity: [1e-5, 0, -9.81] },
    floor: { contype: 0, conaffinity: 1, condim: 3, friction: [1, 0.1, 0.1], pos: [0, 0, -3] },
    scenery: [rail],
  };
}
