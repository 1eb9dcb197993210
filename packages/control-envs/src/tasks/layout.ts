/** Names for the elements of an observation, so that nobody has to count. */
import { ConfigError, nearest, type ObsLayout } from '@gimbal/tensor-core';
import { jointTypes, type ModelInfo } from '../mujoco/model-info.ts';

/** A named run of elements: one name for all, or one each. */
export interface LayoutBlock {
  name: string;
  size: number;
  names?: readonly string[];
}

/** @returns a layout whose `slice` knows the blocks and the single elements */
export function layoutOf(blocks: readonly LayoutBlock[]): ObsLayout {
  const ranges = new Map<string, readonly [number, number]>();
  const names: string[] = [];
  let at = 0;
  for (const { name, size, names: elements } of blocks) {
    ranges.set(name, [at, at + size]);
    for (let i = 0; i < size; i++) {
      const element = elements?.[i] ?? (size === 1 ? name : `${name}[${i}]`);
      names.push(element);
      if (!ranges.has(element)) ranges.set(element, [at + i, at + i + 1]);
    }
    at += size;
  }
  const slice = (name: string): readonly [number, number] => {
    const found = ranges.get(name);
    if (found !== undefined) return found;
    const guess = nearest(name, ranges.keys());
    const fix = guess === undefined ? `There are ${[...ranges.keys()].join(', ')}` : `Did you mean ${guess}?`;
    throw new ConfigError({ where: 'layout', what: 'no such feature', got: name, fix });
  };
  return { size: at, names, slice };
}

/** Joints that move the root of a body in a plane: upright ones live in x–z, the swimmer in x–y. */
const slides: { readonly [joint: string]: string } = { rootx: 'x', rootz: 'z', slider1: 'x', slider2: 'y' };
const turns: { readonly [joint: string]: string } = { rooty: 'y', free_body_rot: 'z' };

/** Names of qpos: `root.pos.z`, `root.quat.w`, `hip_1.pos`. */
export function qposNames(info: ModelInfo): string[] {
  return jointNames(info, (type, joint) => {
    if (type === 'free') return ['x', 'y', 'z'].map((a) => `root.pos.${a}`).concat(quat('root'));
    if (type === 'ball') return quat(joint);
    if (joint in slides) return [`root.pos.${slides[joint]}`];
    return [joint in turns ? `root.angle.${turns[joint]}` : `${joint}.pos`];
  });
}

/** Names of qvel: `root.vel.x`, `root.ang.y`, `hip_1.vel`. */
export function qvelNames(info: ModelInfo): string[] {
  return jointNames(info, (type, joint) => {
    if (type === 'free') return ['vel', 'ang'].flatMap((part) => ['x', 'y', 'z'].map((a) => `root.${part}.${a}`));
    if (type === 'ball') return ['x', 'y', 'z'].map((a) => `${joint}.ang.${a}`);
    if (joint in slides) return [`root.vel.${slides[joint]}`];
    return [joint in turns ? `root.ang.${turns[joint]}` : `${joint}.vel`];
  });
}

const quat = (name: string): string[] => ['w', 'x', 'y', 'z'].map((a) => `${name}.quat.${a}`);

function jointNames(info: ModelInfo, of: (type: string, joint: string) => string[]): string[] {
  return info.names.joint.flatMap((joint, j) => of(jointTypes[info.jointType[j] as number] as string, joint));
}

/** Position (from `skip` on) and velocity: what most tasks observe first. */
export const stateBlocks = (info: ModelInfo, skip: number): LayoutBlock[] => [
  { name: 'qpos', size: info.nq - skip, names: qposNames(info).slice(skip) },
  { name: 'qvel', size: info.nv, names: qvelNames(info) },
];
