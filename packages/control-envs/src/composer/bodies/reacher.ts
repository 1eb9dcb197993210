/** Reacher: an arm of two links on a table, and the target its fingertip should be at. */
import { el, type XmlElement } from '../../mjcf/xml.ts';
import type { Component } from '../component.ts';

const pink = [0.9, 0.4, 0.6, 1];
const blue = [0, 0.4, 0.6, 1];

const side = (name: string, [x1, y1, x2, y2]: readonly [number, number, number, number]): XmlElement =>
  el('geom', {
    name,
    type: 'capsule',
    contype: 0,
    conaffinity: 0,
    fromto: [x1, y1, 0.01, x2, y2, 0.01],
    size: 0.02,
    friction: [1, 0.1, 0.1],
    rgba: pink,
  });
const link = (name: string): XmlElement =>
  el('geom', { name, type: 'capsule', fromto: [0, 0, 0, 0.1, 0, 0], size: 0.01, rgba: blue });

export function reacher(): Component {
  const tip = el('body', { name: 'fingertip', pos: [0.11, 0, 0] }, [
    el('geom', { name: 'fingertip', type: 'sphere', contype: 0, pos: [0, 0, 0], size: 0.01, rgba: [0, 0.8, 0.6, 1] }),
  ]);
  const second = el('body', { name: 'body1', pos: [0.1, 0, 0] }, [
    el('joint', { name: 'joint1', type: 'hinge', axis: [0, 0, 1], pos: [0, 0, 0], limited: true, range: [-3, 3] }),
    link('link1'),
    tip,
  ]);
  const first = el('body', { name: 'body0', pos: [0, 0, 0.01] }, [
    link('link0'),
    el('joint', { name: 'joint0', type: 'hinge', axis: [0, 0, 1], pos: [0, 0, 0], limited: false }),
    second,
  ]);
  const slide = (name: string, axis: readonly number[], ref: number): XmlElement =>
    el('joint', {
      name,
      type: 'slide',
      axis,
      pos: [0, 0, 0],
      ref,
      limited: true,
      range: [-0.27, 0.27],
      armature: 0,
      damping: 0,
      stiffness: 0,
    });
  const target = el('body', { name: 'target', pos: [0.1, -0.1, 0.01] }, [
    slide('target_x', [1, 0, 0], 0.1),
    slide('target_y', [0, 1, 0], -0.1),
    el('geom', {
      name: 'target',
      type: 'sphere',
      contype: 0,
      conaffinity: 0,
      pos: [0, 0, 0],
      size: 0.009,
      rgba: [0.9, 0.2, 0.2, 1],
    }),
  ]);
  return {
    kind: 'reacher',
    root: 'body0',
    bodies: [first, target],
    defaults: [
      el('joint', { armature: 1, damping: 1, limited: true }),
      el('geom', { contype: 0, friction: [1, 0.1, 0.1], rgba: [0.7, 0.7, 0, 1] }),
    ],
    actuators: ['joint0', 'joint1'].map((name) =>
      el('motor', { name, joint: name, gear: 200, ctrllimited: true, ctrlrange: [-1, 1] }),
    ),
    selfCollides: false,
    options: { timestep: 0.01, integrator: 'RK4', gravity: [0, 0, -9.81] },
    floor: { contype: 0, conaffinity: 0, size: [1, 1, 10], friction: [1, 0.1, 0.1] },
    scenery: [
      side('sideS', [-0.3, -0.3, 0.3, -0.3]),
      side('sideE', [0.3, -0.3, 0.3, 0.3]),
      side('sideN', [-0.3, 0.3, 0.3, 0.3]),
      side('sideW', [-0.3, -0.3, -0.3, 0.3]),
      el('geom', {
        name: 'root',
        type: 'cylinder',
        contype: 0,
        conaffinity: 0,
        fromto: [0, 0, 0, 0, 0, 0.02],
        size: 0.011,
        friction: [1, 0.1, 0.1],
        rgba: pink,
      }),
    ],
  };
}
