/** What is constant in a compiled model, copied out of the engine: safe to keep, to send and to read at any time. */
import { ConfigError, nearest } from '@gimbal/tensor-core';
import type { MjModel } from '@mujoco/mujoco';
import { hashText, hex } from '../base/hash.ts';
import { readHeightFields } from './height-fields.ts';
import { type Mesh, readMeshes, readSurfaces, type Texture } from './surfaces.ts';

/** The kinds of named objects in a model. */
export type ObjectKind = 'body' | 'joint' | 'geom' | 'site' | 'actuator' | 'camera' | 'sensor' | 'tendon';

/** A compiled model's constants; arrays are in the engine's order. */
export interface ModelInfo {
  /** the model's own name in the MJCF text */
  readonly name: string;
  /** seconds of one physics step */
  readonly timestep: number;
  /** sizes: positions, velocities, controls, activations */
  readonly nq: number;
  /** velocities, one for each degree of freedom */
  readonly nv: number;
  /** controls */
  readonly nu: number;
  /** activations */
  readonly na: number;
  /** names by kind, in the engine's order; unnamed objects are called `geom3` and so on */
  readonly names: { readonly [K in ObjectKind]: readonly string[] };
  /** the default positions `[nq]` */
  readonly qpos0: Float64Array;
  /** kg `[nbody]` */
  readonly bodyMass: Float64Array;
  /** `[nbody]` */
  readonly bodyParent: Int32Array;
  /** index into `jointTypes` `[njnt]` */
  readonly jointType: Int32Array;
  /** lowest and highest, radians or metres `[njnt * 2]` */
  readonly jointRange: Float64Array;
  /** where a joint's positions begin in `qpos` `[njnt]` */
  readonly jointQpos: Int32Array;
  /** where its velocities begin in `qvel` `[njnt]` */
  readonly jointDof: Int32Array;
  /** the body it moves `[njnt]` */
  readonly jointBody: Int32Array;
  /** lowest and highest control `[nu * 2]` */
  readonly actuatorRange: Float64Array;
  /** of the first transmission component */
  readonly actuatorGear: Float64Array;
  /** index into `geomTypes` `[ngeom]` */
  readonly geomType: Int32Array;
  /** the engine's three sizes, by type `[ngeom * 3]` */
  readonly geomSize: Float64Array;
  /** colour and opacity, 0 to 1 `[ngeom * 4]` */
  readonly geomRgba: Float32Array;
  /** the body it is fixed to `[ngeom]` */
  readonly geomBody: Int32Array;
  /** the engine's visibility group `[ngeom]` */
  readonly geomGroup: Int32Array;
  /** triangles of a mesh or a height field, −1 for others */
  readonly geomData: Int32Array;
  /** picture on a geom, −1 for none: on meshes with texture coordinates, and on planes `[ngeom]` */
  readonly geomTexture: Int32Array;
  /** how often the picture repeats along a plane's axes `[ngeom * 2]` */
  readonly geomTextureRepeat: Float32Array;
  /** 1: it repeats by metres; 0: by the plane's size `[ngeom]` */
  readonly geomTextureUniform: Uint8Array;
  /** what `geomData` counts into: the meshes, then the height fields */
  readonly meshes: readonly Mesh[];
  /** what `geomTexture` counts into */
  readonly textures: readonly Texture[];
  /** FNV-1a of the MJCF text, for recordings and states */
  readonly hash: string;
}

/** mjtGeom */
export const geomTypes = [
  'plane',
  'hfield',
  'sphere',
  'capsule',
  'ellipsoid',
  'cylinder',
  'box',
  'mesh',
  'sdf',
] as const;
const heightField = geomTypes.indexOf('hfield');
export const jointTypes = ['free', 'ball', 'slide', 'hinge'] as const;

export function readModel(model: MjModel, mjcf: string): ModelInfo {
  const m = model as unknown as { readonly [field: string]: Int32Array & Float64Array } & MjModel;
  const bytes = Uint8Array.from(model.names as Int8Array);
  const text = (from: number): string => new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from)));
  const names = (addresses: Int32Array | undefined, kind: string): string[] =>
    Array.from(addresses ?? [], (from, i) => text(from) || `${kind}${i}`);
  return {
    name: text(0),
    timestep: model.opt.timestep,
    nq: model.nq,
    nv: model.nv,
    nu: model.nu,
    na: model.na,
    names: {
      body: names(m.name_bodyadr, 'body'),
      joint: names(m.name_jntadr, 'joint'),
      geom: names(m.name_geomadr, 'geom'),
      site: names(m.name_siteadr, 'site'),
      actuator: names(m.name_actuatoradr, 'actuator'),
      camera: names(m.name_camadr, 'camera'),
      sensor: names(m.name_sensoradr, 'sensor'),
      tendon: names(m.name_tendonadr, 'tendon'),
    },
    qpos0: doubles(m.qpos0),
    bodyMass: doubles(m.body_mass),
    bodyParent: ints(m.body_parentid),
    jointType: ints(m.jnt_type),
    jointRange: doubles(m.jnt_range),
    jointQpos: ints(m.jnt_qposadr),
    jointDof: ints(m.jnt_dofadr),
    jointBody: ints(m.jnt_bodyid),
    actuatorRange: doubles(m.actuator_ctrlrange),
    actuatorGear: doubles(m.actuator_gear).filter((_, i) => i % 6 === 0),
    geomType: ints(m.geom_type),
    geomSize: doubles(m.geom_size),
    ...readSurfaces(m, mjcf, names(m.name_matadr, 'material')),
    geomBody: ints(m.geom_bodyid),
    geomGroup: ints(m.geom_group),
    geomData: ints(m.geom_dataid).map((data, g) => (m.geom_type?.[g] === heightField ? m.nmesh + data : data)),
    meshes: [...readMeshes(m), ...readHeightFields(m)],
    hash: hex(hashText(mjcf)),
  };
}

/**
 * The index of a named object.
 * @throws ConfigError that suggests the nearest name
 */
export function indexOfName(info: ModelInfo, kind: ObjectKind, name: string): number {
  const index = info.names[kind].indexOf(name);
  if (index >= 0) return index;
  const guess = nearest(name, info.names[kind]);
  const fix = guess === undefined ? `There are ${info.names[kind].join(', ')}` : `Did you mean ${guess}?`;
  throw new ConfigError({ where: `model ${info.name}`, what: `no such ${kind}`, got: name, fix });
}

/** Sum over bodies, kg. */
export const totalMass = (info: ModelInfo): number => info.bodyMass.reduce((sum, m) => sum + m, 0);

const doubles = (xs: ArrayLike<number> | undefined): Float64Array => Float64Array.from(xs ?? []);
const ints = (xs: ArrayLike<number> | undefined): Int32Array => Int32Array.from(xs ?? []);
