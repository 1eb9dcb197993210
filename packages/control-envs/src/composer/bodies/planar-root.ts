/** The three joints of a body that lives in the x–z plane. */
import { el, type XmlElement } from '../../mjcf/xml.ts';

/** @param height of the root above its body frame's origin: z of qpos counts from the floor */
export function planarRoot(height: number): XmlElement[] {
  const free = { armature: 0, damping: 0, stiffness: 0, limited: false };
  return [
    el('joint', { name: 'rootx', type: 'slide', axis: [1, 0, 0], pos: [0, 0, -height], ...free }),
    el('joint', {
      name: 'rootz',
      type: 'slide',
      axis: [0, 0, 1],
      pos: [0, 0, -height],
      ...(height !== 0 && { ref: height }),
      ...free,
    }),
    el('joint', { name: 'rooty', type: 'hinge', axis: [0, 1, 0], pos: [0, 0, 0], ...free }),
  ];
}

/** The camera that follows a body from its side. */
export const trackingCamera = (pos: readonly number[], xyaxes: readonly number[] = [1, 0, 0, 0, 0, 1]): XmlElement =>
  el('camera', { name: 'track', mode: 'trackcom', pos, xyaxes });
