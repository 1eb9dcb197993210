/** Pusher: an arm of seven joints, an object on a table and the place it should be pushed to. */
import { el, type XmlElement } from '../../mjcf/xml.ts';
import type { Component } from '../component.ts';

type Numbers = readonly number[];

const hinge = (name: string, axis: Numbers, range: Numbers, damping: number): XmlElement =>
  el('joint', { name: `r_${name}_joint`, type: 'hinge', pos: [0, 0, 0], axis, range, damping });
const capsule = (name: string, fromto: Numbers, size: number, contact: object = {}): XmlElement =>
  el('geom', { name, type: 'capsule', fromto, size, ...contact });
const sphere = (name: string, pos: Numbers, size: number, rgba?: Numbers): XmlElement =>
  el('geom', { name, type: 'sphere', pos, size, rgba });
const link = (name: string, pos: Numbers, children: readonly XmlElement[]): XmlElement =>
  el('body', { name: name === 'tips_arm' ? name : `r_${name}_link`, pos }, children);

const joints = [
  'shoulder_pan',
  'shoulder_lift',
  'upper_arm_roll',
  'elbow_flex',
  'forearm_roll',
  'wrist_flex',
  'wrist_roll',
];

function arm(): XmlElement {
  const touching = { contype: 1, conaffinity: 1 };
  const tips = link(
    'tips_arm',
    [0, 0, 0],
    [sphere('tip_arml', [0.1, -0.1, 0], 0.01), sphere('tip_armr', [0.1, 0.1, 0], 0.01)],
  );
  const wristRoll = link(
    'wrist_roll',
    [0, 0, 0],
    [
      hinge('wrist_roll', [1, 0, 0], [-1.5, 1.5], 0.1),
      tips,
      capsule('bar', [0, -0.1, 0, 0, 0.1, 0], 0.02, touching),
      capsule('fork_left', [0, -0.1, 0, 0.1, -0.1, 0], 0.02, touching),
      capsule('fork_right', [0, 0.1, 0, 0.1, 0.1, 0], 0.02, touching),
    ],
  );
  const wristFlex = link(
    'wrist_flex',
    [0.321, 0, 0],
    [capsule('wf', [0, -0.02, 0, 0, 0.02, 0], 0.01), hinge('wrist_flex', [0, 1, 0], [-1.094, 0], 0.1), wristRoll],
  );
  const forearm = link('forearm', [0, 0, 0], [capsule('fa', [0, 0, 0, 0.291, 0, 0], 0.05), wristFlex]);
  const forearmRoll = link(
    'forearm_roll',
    [0, 0, 0],
    [capsule('fr', [-0.1, 0, 0, 0.1, 0, 0], 0.02), hinge('forearm_roll', [1, 0, 0], [-1.5, 1.5], 0.1), forearm],
  );
  const elbow = link(
    'elbow_flex',
    [0.4, 0, 0],
    [capsule('ef', [0, -0.02, 0, 0, 0.02, 0], 0.06), hinge('elbow_flex', [0, 1, 0], [-2.3213, 0], 0.1), forearmRoll],
  );
  const upperArm = link('upper_arm', [0, 0, 0], [capsule('ua', [0, 0, 0, 0.4, 0, 0], 0.06), elbow]);
  const roll = link(
    'upper_arm_roll',
    [0, 0, 0],
    [capsule('uar', [-0.1, 0, 0, 0.1, 0, 0], 0.02), hinge('upper_arm_roll', [1, 0, 0], [-1.5, 1.7], 0.1), upperArm],
  );
  const lift = link(
    'shoulder_lift',
    [0.1, 0, 0],
    [capsule('sl', [0, -0.1, 0, 0, 0.1, 0], 0.1), hinge('shoulder_lift', [0, 1, 0], [-0.5236, 1.3963], 1), roll],
  );
  const [grey, black] = [
    [0.6, 0.6, 0.6, 1],
    [0.1, 0.1, 0.1, 1],
  ];
  return link(
    'shoulder_pan',
    [0, -0.6, 0],
    [
      sphere('e1', [-0.06, 0.05, 0.2], 0.05, grey),
      sphere('e2', [0.06, 0.05, 0.2], 0.05, grey),
      sphere('e1p', [-0.06, 0.09, 0.2], 0.03, black),
      sphere('e2p', [0.06, 0.09, 0.2], 0.03, black),
      capsule('sp', [0, 0, -0.4, 0, 0, 0.2], 0.1),
      hinge('shoulder_pan', [0, 0, 1], [-2.2854, 1.714602], 1),
      lift,
    ],
  );
}

/** Something that slides on the table, y before x. */
function puck(name: string, prefix: string, pos: Numbers, geom: XmlElement): XmlElement {
  const slide = (axis: 'y' | 'x'): XmlElement =>
    el('joint', {
      name: `${prefix}_slide${axis}`,
      type: 'slide',
      pos: [0, 0, 0],
      axis: axis === 'y' ? [0, 1, 0] : [1, 0, 0],
      range: [-10.3213, 10.3],
      damping: 0.5,
    });
  return el('body', { name, pos }, [geom, slide('y'), slide('x')]);
}

export function pusher(): Component {
  const cylinder = { type: 'cylinder', conaffinity: 0 };
  const object = el('geom', {
    name: 'object',
    ...cylinder,
    size: [0.05, 0.05, 0.05],
    density: 0.01,
    contype: 1,
    rgba: [1, 1, 1, 1],
  });
  const goal = el('geom', {
    name: 'goal',
    ...cylinder,
    size: [0.08, 0.001, 0.1],
    density: 0.00001,
    contype: 0,
    rgba: [1, 0, 0, 1],
  });
  return {
    kind: 'pusher',
    root: 'r_shoulder_pan_link',
    bodies: [
      arm(),
      puck('object', 'obj', [0.45, -0.05, -0.275], object),
      puck('goal', 'goal', [0.45, -0.05, -0.323], goal),
    ],
    defaults: [
      el('joint', { armature: 0.04, damping: 1, limited: true }),
      el('geom', { contype: 0, conaffinity: 0, condim: 1, density: 300, margin: 0.002, friction: [0.8, 0.1, 0.1] }),
    ],
    actuators: joints.map((name) =>
      el('motor', { name, joint: `r_${name}_joint`, ctrllimited: true, ctrlrange: [-2, 2] }),
    ),
    selfCollides: true,
    options: { timestep: 0.01, integrator: 'Euler', gravity: [0, 0, 0], iterations: 20 },
    floor: {
      contype: 1,
      conaffinity: 1,
      condim: 1,
      margin: 0.002,
      friction: [0.8, 0.1, 0.1],
      pos: [0, 0.5, -0.325],
      size: [1, 1, 0.1],
    },
  };
}
