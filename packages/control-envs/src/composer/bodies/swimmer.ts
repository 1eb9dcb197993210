/** Swimmer: three links in a viscous plane; 106.8 kg. */
import { el } from '../../mjcf/xml.ts';
import { type Component, deg } from '../component.ts';
import { trackingCamera } from './planar-root.ts';

export function swimmer(): Component {
  const link = (name: string, fromto: readonly number[]) =>
    el('geom', { name, type: 'capsule', density: 1000, fromto, size: 0.1 });
  const joint = (name: string, type: 'slide' | 'hinge', axis: readonly number[], limits: object = {}) =>
    el('joint', { name, type, axis, pos: [0, 0, 0], ...limits });
  const bend = { limited: true, range: deg(-100, 100) };
  const back = el('body', { name: 'back', pos: [-1, 0, 0] }, [
    link('back', [0, 0, 0, -1, 0, 0]),
    joint('motor2_rot', 'hinge', [0, 0, 1], bend),
  ]);
  const mid = el('body', { name: 'mid', pos: [0.5, 0, 0] }, [
    link('mid', [0, 0, 0, -1, 0, 0]),
    joint('motor1_rot', 'hinge', [0, 0, 1], bend),
    back,
  ]);
  const torso = el('body', { name: 'torso', pos: [0, 0, 0] }, [
    trackingCamera([0, -3, 3], [1, 0, 0, 0, 1, 1]),
    link('torso', [1.5, 0, 0, 0.5, 0, 0]),
    joint('slider1', 'slide', [1, 0, 0]),
    joint('slider2', 'slide', [0, 1, 0]),
    joint('free_body_rot', 'hinge', [0, 0, 1]),
    mid,
  ]);
  return {
    kind: 'swimmer',
    root: 'torso',
    bodies: [torso],
    defaults: [
      el('joint', { armature: 0.1 }),
      el('geom', { contype: 0, conaffinity: 0, condim: 1, rgba: [0.8, 0.6, 0.4, 1] }),
    ],
    actuators: ['motor1_rot', 'motor2_rot'].map((name) =>
      el('motor', { name, joint: name, gear: 150, ctrllimited: true, ctrlrange: [-1, 1] }),
    ),
    selfCollides: false,
    options: { timestep: 0.01, integrator: 'RK4', density: 4000, viscosity: 0.1 },
    floor: { contype: 0, conaffinity: 0, condim: 3, pos: [0, 0, -0.1] },
  };
}
