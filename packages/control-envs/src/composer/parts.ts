/** Where a component's joints, bodies and motors lie in the compiled model: found by prefix, never by counting. */
import { jointTypes, type ModelInfo } from '../mujoco/model-info.ts';

/** Indices of a component's objects into the arrays of the compiled model. */
export interface PartIndices {
  /** the root body */
  readonly root: number;
  /** all its bodies */
  readonly bodies: readonly number[];
  /** its motors, which are its elements of the action */
  readonly actuators: readonly number[];
  /** its positions in `qpos` */
  readonly qpos: readonly number[];
  /** those without what only says where the body is */
  readonly observedQpos: readonly number[];
  /** its velocities in `qvel` */
  readonly qvel: readonly number[];
}

/** joints that only say where a body in a plane is: the runners' and the swimmer's */
const places = ['rootx', 'slider1', 'slider2'];

export function partIndices(info: ModelInfo, name: string, root: string): PartIndices {
  const prefix = `${name}/`;
  const mine = (names: readonly string[]): number[] => names.flatMap((full, i) => (full.startsWith(prefix) ? [i] : []));
  const sizes = { free: [7, 6], ball: [4, 3], slide: [1, 1], hinge: [1, 1] } as const;
  const [qpos, observedQpos, qvel]: [number[], number[], number[]] = [[], [], []];
  for (const j of mine(info.names.joint)) {
    const type = jointTypes[info.jointType[j] as number] as keyof typeof sizes;
    const [nq, nv] = sizes[type];
    const [q, v] = [info.jointQpos[j] as number, info.jointDof[j] as number];
    const skip = type === 'free' ? 2 : places.some((place) => info.names.joint[j] === `${prefix}${place}`) ? 1 : 0;
    for (let i = 0; i < nq; i++) qpos.push(q + i);
    for (let i = skip; i < nq; i++) observedQpos.push(q + i);
    for (let i = 0; i < nv; i++) qvel.push(v + i);
  }
  return {
    root: info.names.body.indexOf(`${prefix}${root}`),
    bodies: mine(info.names.body),
    actuators: mine(info.names.actuator),
    qpos,
    observedQpos,
    qvel,
  };
}
