/** Humanoid: torso, waist, pelvis, legs and arms with seventeen motors; 42 kg. */
import { el, type XmlElement } from '../../mjcf/xml.ts';
import { type Component, deg } from '../component.ts';
import { trackingCamera } from './planar-root.ts';

type Numbers = readonly number[];

const hinge = (name: string, axis: Numbers, range: Numbers, rest: { [name: string]: number | Numbers }): XmlElement =>
  el('joint', { name, type: 'hinge', axis, range: deg(...range), pos: [0, 0, 0], ...rest });
const capsule = (name: string, fromto: Numbers, size: number): XmlElement =>
  el('geom', { name, type: 'capsule', fromto, size });
const sphere = (name: string, pos: Numbers, size: number): XmlElement =>
  el('geom', { name, type: 'sphere', pos, size });

/** @param side −1 right, 1 left: y is mirrored, so are the axes of the hip */
function leg(name: string, side: 1 | -1): XmlElement {
  const hip = { damping: 5, stiffness: 10 };
  const hipY =
    side < 0 ? { armature: 0.008, damping: 5, stiffness: 20 } : { armature: 0.01, damping: 5, stiffness: 20 };
  const knee = { armature: 0.006, pos: [0, 0, 0.02], ...(side > 0 && { stiffness: 1 }) };
  const foot = el('body', { name: `${name}_foot`, pos: [0, 0, -0.45] }, [sphere(`${name}_foot`, [0, 0, 0.1], 0.075)]);
  const shin = el('body', { name: `${name}_shin`, pos: [0, -0.01 * side, -0.403] }, [
    hinge(`${name}_knee`, [0, -1, 0], [-160, -2], knee),
    capsule(`${name}_shin1`, [0, 0, 0, 0, 0, -0.3], 0.049),
    foot,
  ]);
  return el('body', { name: `${name}_thigh`, pos: [0, 0.1 * side, -0.04] }, [
    hinge(`${name}_hip_x`, [-side, 0, 0], [-25, 5], { armature: 0.01, ...hip }),
    hinge(`${name}_hip_z`, [0, 0, -side], [-60, 35], { armature: 0.01, ...hip }),
    hinge(`${name}_hip_y`, [0, 1, 0], [-110, 20], hipY),
    capsule(`${name}_thigh1`, [0, 0, 0, 0, -0.01 * side, -0.34], 0.06),
    shin,
  ]);
}

function arm(name: string, side: 1 | -1): XmlElement {
  const shoulder = side < 0 ? [-85, 60] : [-60, 85];
  const lower = el('body', { name: `${name}_lower_arm`, pos: [0.18, 0.18 * side, -0.18] }, [
    hinge(`${name}_elbow`, [0, -1, -side], [-90, 50], { armature: 0.0028, stiffness: 0 }),
    capsule(`${name}_larm`, [0.01, -0.01 * side, 0.01, 0.17, -0.17 * side, 0.17], 0.031),
    sphere(`${name}_hand`, [0.18, -0.18 * side, 0.18], 0.04),
  ]);
  return el('body', { name: `${name}_upper_arm`, pos: [0, 0.17 * side, 0.06] }, [
    hinge(`${name}_shoulder1`, [2, -side, 1], shoulder, { armature: 0.0068, stiffness: 1 }),
    hinge(`${name}_shoulder2`, [0, side, 1], shoulder, { armature: 0.0051, stiffness: 1 }),
    capsule(`${name}_uarm1`, [0, 0, 0, 0.16, 0.16 * side, -0.16], 0.04),
    lower,
  ]);
}

function trunk(): XmlElement {
  const pelvis = el('body', { name: 'pelvis', pos: [0, 0, -0.165], quat: [1, 0, -0.002, 0] }, [
    hinge('abdomen_x', [1, 0, 0], [-35, 35], { armature: 0.02, damping: 5, stiffness: 10, pos: [0, 0, 0.1] }),
    capsule('butt', [-0.02, -0.07, 0, -0.02, 0.07, 0], 0.09),
    leg('right', -1),
    leg('left', 1),
  ]);
  const waist = el('body', { name: 'lwaist', pos: [-0.01, 0, -0.26], quat: [1, 0, -0.002, 0] }, [
    capsule('lwaist', [0, -0.06, 0, 0, 0.06, 0], 0.06),
    hinge('abdomen_z', [0, 0, 1], [-45, 45], { armature: 0.02, damping: 5, stiffness: 20, pos: [0, 0, 0.065] }),
    hinge('abdomen_y', [0, 1, 0], [-75, 30], { armature: 0.02, damping: 5, stiffness: 10, pos: [0, 0, 0.065] }),
    pelvis,
  ]);
  return el('body', { name: 'torso', pos: [0, 0, 1.4] }, [
    trackingCamera([0, -4, 0]),
    el('joint', { name: 'root', type: 'free', armature: 0, damping: 0, limited: false, stiffness: 0, pos: [0, 0, 0] }),
    capsule('torso1', [0, -0.07, 0, 0, 0.07, 0], 0.07),
    sphere('head', [0, 0, 0.19], 0.09),
    capsule('uwaist', [-0.01, -0.06, -0.12, -0.01, 0.06, -0.12], 0.06),
    waist,
    arm('right', -1),
    arm('left', 1),
  ]);
}

/** joint and gear of each motor */
const motors: readonly (readonly [string, number])[] = [
  ['abdomen_y', 100],
  ['abdomen_z', 100],
  ['abdomen_x', 100],
  ...['right', 'left'].flatMap((side): [string, number][] => [
    [`${side}_hip_x`, 100],
    [`${side}_hip_z`, 100],
    [`${side}_hip_y`, 300],
    [`${side}_knee`, 200],
  ]),
  ...['right', 'left'].flatMap((side): [string, number][] => [
    [`${side}_shoulder1`, 25],
    [`${side}_shoulder2`, 25],
    [`${side}_elbow`, 25],
  ]),
];

export function humanoid(): Component {
  return {
    kind: 'humanoid',
    root: 'torso',
    bodies: [trunk()],
    defaults: [
      el('joint', { armature: 1, damping: 1, limited: true }),
      el('geom', { contype: 1, conaffinity: 1, condim: 1, margin: 0.001, rgba: [0.8, 0.6, 0.4, 1] }),
    ],
    actuators: motors.map(([name, gear]) =>
      el('motor', { name, joint: name, gear, ctrllimited: true, ctrlrange: [-0.4, 0.4] }),
    ),
    tendons: ['left', 'right'].map((side) =>
      el('fixed', { name: `${side}_hipknee` }, [
        el('joint', { joint: `${side}_hip_y`, coef: -1 }),
        el('joint', { joint: `${side}_knee`, coef: 1 }),
      ]),
    ),
    selfCollides: true,
    options: { timestep: 0.003, integrator: 'RK4', solver: 'PGS', iterations: 50 },
    floor: { contype: 1, conaffinity: 1, condim: 3, friction: [1, 0.1, 0.1], margin: 0.001 },
    healthy: { z: [1, 2] },
  };
}
