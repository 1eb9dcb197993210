/** Reads recordings from files: the first part that could not be shown or repeated is named. */
import { DataError } from '@gimbal/tensor-core';
import { decodeBytes, decodeFloats } from './base64.ts';
import type { Recording } from './recording.ts';

/**
 * Reads a recording from JSON text.
 * @param source its name in errors; default `recording`
 * @throws DataError for what is no recording
 */
export function parseRecording(text: string, source = 'recording'): Recording {
  let recording: Recording;
  try {
    recording = JSON.parse(text);
  } catch (cause) {
    throw new DataError({ where: source, what: `no JSON: ${(cause as Error).message}`, cause });
  }
  checkRecording(recording, source);
  return recording;
}

/** @throws DataError that names the part */
export function checkRecording(recording: Recording, source: string): void {
  if (recording?.format !== 'gimbal-recording' || recording.version !== 1) {
    const wanted = 'a file that `gimbal control record` wrote';
    throw new DataError({ where: source, what: 'not a recording', got: recording?.format, wanted });
  }
  for (const name of ['geoms', 'meshes', 'contacts', 'rewards', 'actions', 'episodes'] as const) {
    if (Array.isArray(recording[name])) continue;
    throw new DataError({ where: source, what: `${name} are missing`, got: recording[name], wanted: 'a list' });
  }
  const { env, dt, frames, geoms, poses } = recording;
  const say = (what: string, got: unknown, wanted: unknown): never => {
    throw new DataError({ where: source, what, got, wanted });
  };
  if (typeof env !== 'string') say('env is damaged', env, 'an id');
  if (!(Number.isFinite(dt) && dt > 0)) say('dt is damaged', dt, 'seconds above 0');
  const floats = decoded(poses, decodeFloats);
  const wanted = frames * geoms.length * 7;
  if (floats?.length !== wanted) say('poses are incomplete', floats?.length, wanted);
  if (!(Number.isSafeInteger(frames) && frames >= 1)) say('frames is damaged', frames, 'a whole number from 1');
  if (floats?.some((x) => !Number.isFinite(x))) say('poses are damaged', undefined, 'finite numbers');
  checkShapes(recording, say);
  checkFrames(recording, say);
}

type Say = (what: string, got: unknown, wanted: unknown) => never;

const isIndex = (x: unknown, below: number): boolean =>
  Number.isSafeInteger(x) && (x as number) >= 0 && (x as number) < below;
const areFinite = (xs: unknown, count?: number): boolean =>
  Array.isArray(xs) && (count === undefined || xs.length === count) && xs.every((x) => Number.isFinite(x));

function checkShapes({ geoms, meshes, textures = [] }: Recording, say: Say): void {
  for (const [i, mesh] of meshes.entries()) {
    const vertices = decoded(mesh?.vertices, decodeFloats);
    if (vertices === undefined || vertices.length % 3 !== 0) say(`meshes[${i}].vertices are damaged`, mesh, 'base64');
    const count = (vertices?.length ?? 0) / 3;
    const isWhole = Array.isArray(mesh.faces) && mesh.faces.length % 3 === 0;
    if (!isWhole || mesh.faces.some((v) => !isIndex(v, count))) {
      say(`meshes[${i}].faces are damaged`, mesh.faces, `triples below ${count}`);
    }
    const { texcoords } = mesh;
    if (texcoords !== undefined && decoded(texcoords, decodeFloats)?.length !== 2 * mesh.faces.length) {
      say(`meshes[${i}].texcoords are damaged`, texcoords, `${2 * mesh.faces.length} numbers`);
    }
  }
  if (!Array.isArray(textures)) say('textures are damaged', textures, 'a list');
  for (const [i, texture] of textures.entries()) {
    const size = 3 * (texture?.width ?? 0) * (texture?.height ?? 0);
    if (size > 0 && decoded(texture.rgb, decodeBytes)?.length === size) continue;
    say(`textures[${i}] is damaged`, texture, 'width, height, and rgb of that size');
  }
  for (const [i, geom] of geoms.entries()) {
    const isGood =
      isIndex(geom?.type, 9) &&
      areFinite(geom.size, 3) &&
      areFinite(geom.rgba, 4) &&
      (geom.mesh === undefined || isIndex(geom.mesh, meshes.length)) &&
      (geom.texture === undefined || isIndex(geom.texture, textures.length)) &&
      (geom.repeat === undefined || areFinite(geom.repeat, 2));
    if (!isGood) say(`geoms[${i}] is damaged`, geom, 'type, size, rgba, and a mesh and texture that are there');
  }
}

function checkFrames({ frames, contacts, rewards, actions, episodes }: Recording, say: Say): void {
  if (contacts.length !== frames) say('contacts are incomplete', contacts.length, frames);
  const contact = contacts.find((points) => !areFinite(points) || points.length % 4 !== 0);
  if (contact !== undefined) say('contacts are damaged', contact, 'x, y, z, force one after another');
  for (const [name, values] of Object.entries({ rewards, actions })) {
    if (values.length !== frames - 1) say(`${name} are incomplete`, values.length, frames - 1);
  }
  if (!areFinite(rewards))
    say(
      'rewards are damaged',
      rewards.find((x) => !Number.isFinite(x)),
      'numbers',
    );
  const action = actions.findIndex((values) => !areFinite(values));
  if (action >= 0) say(`actions[${action}] is damaged`, actions[action], 'a list of numbers');
  if (episodes.some((t) => !isIndex(t, frames))) say('episodes are damaged', episodes, `frames below ${frames}`);
}

/** Undefined for what is no base64. */
function decoded<T>(text: unknown, decode: (text: string) => T): T | undefined {
  try {
    return typeof text === 'string' ? decode(text) : undefined;
  } catch {
    return undefined; // the caller says what was wanted
  }
}
