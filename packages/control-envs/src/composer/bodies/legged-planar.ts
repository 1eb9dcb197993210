/** Hopper and Walker2d: a torso on one or two legs of thigh, leg and foot, in the plane. */
import { el, type XmlElement } from '../../mjcf/xml.ts';
import { type Component, deg } from '../component.ts';
import { planarRoot, trackingCamera } from './planar-root.ts';

interface Leg {
  /** '' or '_left', appended to names */
  suffix: string;
  rgba?: readonly number[];
  footForward: number;
  footHalfLength: number;
  footFriction: number;
}

/** A leg's three bodies; lengths in metres below the torso's lower end. */
function leg({ suffix, rgba, footForward, footHalfLength, footFriction }: Leg): XmlElement {
  const hinge = (part: string, pos: readonly number[], range: readonly number[]): XmlElement =>
    el('joint', { name: `${part}${suffix}_joint`, type: 'hinge', axis: [0, -1, 0], pos, range });
  const capsule = (part: string, size: readonly number[], friction: number, place: object = {}): XmlElement =>
    el('geom', { name: `${part}${suffix}_geom`, type: 'capsule', size, friction, rgba, ...place });
  const side = [Math.SQRT1_2, 0, -Math.SQRT1_2, 0];
  const foot = el('body', { name: `foot${suffix}`, pos: [footForward, 0, -0.35] }, [
    hinge('foot', [-footForward, 0, 0.1], deg(-45, 45)),
    capsule('foot', [0.06, footHalfLength], footFriction, { pos: [-footForward / 2, 0, 0.1], quat: side }),
  ]);
  const shank = el('body', { name: `leg${suffix}`, pos: [0, 0, -0.7] }, [
    hinge('leg', [0, 0, 0.25], deg(-150, 0)),
    capsule('leg', [0.04, 0.25], 0.9),
    foot,
  ]);
  return el('body', { name: `thigh${suffix}`, pos: [0, 0, -0.2] }, [
    hinge('thigh', [0, 0, 0], deg(-150, 0)),
    capsule('thigh', [0.05, 0.225], 0.9, { pos: [0, 0, -0.225] }),
    shank,
  ]);
}

const torso = (legs: readonly XmlElement[]): XmlElement =>
  el('body', { name: 'torso', pos: [0, 0, 1.25] }, [
    trackingCamera([0, -3, -0.25]),
    ...planarRoot(1.25),
    el('geom', { name: 'torso_geom', type: 'capsule', size: [0.05, 0.2], friction: 0.9 }),
    ...legs,
  ]);

const motors = (joints: readonly string[], gear: number): XmlElement[] =>
  joints.map((joint) =>
    el('motor', { name: joint, joint: `${joint}_joint`, gear, ctrllimited: true, ctrlrange: [-1, 1] }),
  );

/** One leg; 15.8 kg. */
export function hopper(): Component {
  const contact = { margin: 0.001, solimp: [0.8, 0.8, 0.01], solref: [0.02, 1] };
  return {
    kind: 'hopper',
    root: 'torso',
    bodies: [torso([leg({ suffix: '', footForward: 0.13, footHalfLength: 0.195, footFriction: 2 })])],
    defaults: [
      el('joint', { armature: 1, damping: 1, limited: true }),
      el('geom', { contype: 1, conaffinity: 1, condim: 1, rgba: [0.8, 0.6, 0.4, 1], ...contact }),
    ],
    actuators: motors(['thigh', 'leg', 'foot'], 200),
    selfCollides: true,
    options: { timestep: 0.002, integrator: 'RK4' },
    floor: { contype: 1, conaffinity: 1, condim: 3, ...contact },
    healthy: { z: [0.7, Number.POSITIVE_INFINITY] },
  };
}

/** Two legs; 23.7 kg. */
export function walker2d(): Component {
  const foot = { footForward: 0.2, footHalfLength: 0.1, footFriction: 1.9 };
  const surface = { friction: [0.7, 0.1, 0.1] };
  return {
    kind: 'walker2d',
    root: 'torso',
    bodies: [torso([leg({ suffix: '', ...foot }), leg({ suffix: '_left', rgba: [0.7, 0.3, 0.6, 1], ...foot })])],
    defaults: [
      el('joint', { armature: 0.01, damping: 0.1, limited: true }),
      el('geom', { contype: 1, conaffinity: 0, condim: 3, density: 1000, rgba: [0.8, 0.6, 0.4, 1], ...surface }),
    ],
    actuators: motors(['thigh', 'leg', 'foot', 'thigh_left', 'leg_left', 'foot_left'], 100),
    selfCollides: false,
    options: { timestep: 0.002, integrator: 'RK4' },
    floor: { contype: 1, conaffinity: 1, condim: 3, ...surface },
    healthy: { z: [0.8, 2] },
  };
}
