/** HalfCheetah: a torso with a hind and a front leg, in the plane; 14 kg. */
import { el, type XmlElement } from '../../mjcf/xml.ts';
import type { Component } from '../component.ts';
import { planarRoot, trackingCamera } from './planar-root.ts';

interface Limb {
  name: string;
  /** from the parent's frame, in the plane */
  at: readonly [x: number, z: number];
  range: readonly [number, number];
  stiffness: number;
  damping: number;
  gear: number;
  /** the capsule: its centre, its turn about y, half its length */
  centre: readonly [x: number, z: number];
  turn: number;
  half: number;
  rgba?: readonly number[];
}

const radius = 0.046;
const pale = [0.9, 0.6, 0.6, 1];

const hind: readonly Limb[] = [
  {
    name: 'bthigh',
    at: [-0.5, 0],
    range: [-0.52, 1.05],
    stiffness: 240,
    damping: 6,
    gear: 120,
    centre: [0.1, -0.13],
    turn: -3.8,
    half: 0.145,
  },
  {
    name: 'bshin',
    at: [0.16, -0.25],
    range: [-0.785, 0.785],
    stiffness: 180,
    damping: 4.5,
    gear: 90,
    centre: [-0.14, -0.07],
    turn: -2.03,
    half: 0.15,
    rgba: pale,
  },
  {
    name: 'bfoot',
    at: [-0.28, -0.14],
    range: [-0.4, 0.785],
    stiffness: 120,
    damping: 3,
    gear: 60,
    centre: [0.03, -0.097],
    turn: -0.27,
    half: 0.094,
    rgba: pale,
  },
];
const front: readonly Limb[] = [
  {
    name: 'fthigh',
    at: [0.5, 0],
    range: [-1, 0.7],
    stiffness: 180,
    damping: 4.5,
    gear: 120,
    centre: [-0.07, -0.12],
    turn: 0.52,
    half: 0.133,
  },
  {
    name: 'fshin',
    at: [-0.14, -0.24],
    range: [-1.2, 0.87],
    stiffness: 120,
    damping: 3,
    gear: 60,
    centre: [0.065, -0.09],
    turn: -0.6,
    half: 0.106,
    rgba: pale,
  },
  {
    name: 'ffoot',
    at: [0.13, -0.18],
    range: [-0.5, 0.5],
    stiffness: 60,
    damping: 1.5,
    gear: 30,
    centre: [0.045, -0.07],
    turn: -0.6,
    half: 0.07,
    rgba: pale,
  },
];

/** kg; the parts share it by volume */
const totalMass = 14;

export function halfCheetah(): Component {
  // capsules of half length h: π r² (2 h + 4 r / 3)
  const halves = [0.5, 0.15, ...hind.map((l) => l.half), ...front.map((l) => l.half)];
  const volume = halves.reduce((v, h) => v + Math.PI * radius ** 2 * (2 * h + (4 / 3) * radius), 0);
  const contact = { friction: [0.4, 0.1, 0.1], solimp: [0, 0.8, 0.01], solref: [0.02, 1] };
  const torso = el('body', { name: 'torso', pos: [0, 0, 0.7] }, [
    trackingCamera([0, -3, 0.3]),
    ...planarRoot(0),
    el('geom', { name: 'torso', type: 'capsule', fromto: [-0.5, 0, 0, 0.5, 0, 0], size: radius }),
    el('geom', { name: 'head', type: 'capsule', pos: [0.6, 0, 0.1], axisangle: [0, 1, 0, 0.87], size: [radius, 0.15] }),
    chain(hind),
    chain(front),
  ]);
  return {
    kind: 'half-cheetah',
    root: 'torso',
    bodies: [torso],
    defaults: [
      el('joint', {
        armature: 0.1,
        damping: 0.01,
        limited: true,
        stiffness: 8,
        solimplimit: [0, 0.8, 0.03],
        solreflimit: [0.02, 1],
      }),
      el('geom', {
        contype: 1,
        conaffinity: 0,
        condim: 3,
        rgba: [0.8, 0.6, 0.4, 1],
        ...contact,
      }),
    ],
    actuators: [...hind, ...front].map(({ name, gear }) =>
      el('motor', { name, joint: name, gear, ctrllimited: true, ctrlrange: [-1, 1] }),
    ),
    totalMass,
    composedDensity: totalMass / volume,
    selfCollides: false,
    options: { timestep: 0.01, integrator: 'Euler', gravity: [0, 0, -9.81] },
    floor: { contype: 1, conaffinity: 1, condim: 3, ...contact },
  };
}

/** Limbs, each hanging from the one before. */
function chain([limb, ...rest]: readonly Limb[]): XmlElement | undefined {
  if (limb === undefined) return undefined;
  const { name, at, range, stiffness, damping, centre, turn, half, rgba } = limb;
  return el('body', { name, pos: [at[0], 0, at[1]] }, [
    el('joint', { name, type: 'hinge', axis: [0, 1, 0], pos: [0, 0, 0], range, stiffness, damping }),
    el('geom', {
      name,
      type: 'capsule',
      pos: [centre[0], 0, centre[1]],
      axisangle: [0, 1, 0, turn],
      size: [radius, half],
      rgba,
    }),
    chain(rest),
  ]);
}
