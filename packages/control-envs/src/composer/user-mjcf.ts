/** A user's MJCF as a component. What a model has only once (options, angle unit, total mass) becomes part of it. */
import { ConfigError } from '@gimbal/tensor-core';
import { parseXml } from '../mjcf/parse-xml.ts';
import { el, walk, type XmlElement } from '../mjcf/xml.ts';
import type { Component, PhysicsOptions } from './component.ts';
import { classOf, classWithin, type DefaultsOf, defaultsOf } from './default-classes.ts';

export interface MjcfOptions {
  /** the text */
  mjcf: string;
  /** included texts, meshes, textures and height fields, by path; `makeScene` finds those of an `xmlFile` */
  files?: { readonly [path: string]: Uint8Array };
  /** name of the root body; default: the first in the world */
  root?: string;
}

const where = 'mjcf component';

/** Sections that become part of the component, and those that say nothing about how its bodies move. */
const taken = [
  'compiler',
  'option',
  'default',
  'worldbody',
  'asset',
  'tendon',
  'actuator',
  'sensor',
  'equality',
  'contact',
];
const leftOut = ['size', 'visual', 'statistic', 'keyframe', 'custom'];

/** Settings of the compiler that can be attached, with the values that can be; without a list, any. */
const compilerSettings: { readonly [name: string]: readonly string[] | undefined } = {
  angle: ['degree', 'radian'],
  autolimits: ['true'],
  coordinate: ['local'],
  eulerseq: ['xyz'],
  inertiafromgeom: ['auto', 'false', 'true'],
  // of how a model is read and stored, not of how it moves
  assetdir: undefined,
  discardvisual: undefined,
  fusestatic: undefined,
  meshdir: undefined,
  strippath: undefined,
  texturedir: undefined,
  usethread: undefined,
};

/** @throws DataError for malformed XML; ConfigError for what cannot be attached */
export function mjcfComponent({ mjcf, root, files: given = {} }: MjcfOptions): Component {
  const files = Object.fromEntries(Object.entries(given).map(([path, bytes]) => [plainPath(path), bytes]));
  if (typeof mjcf !== 'string') {
    const fix = 'xmlFile is read by makeScene';
    throw new ConfigError({ where, what: 'no text', got: mjcf, wanted: '{ mjcf: "<mujoco>…" }', fix });
  }
  const model = included(parseXml(mjcf, where), files);
  refuseWhatIsLost(model);
  const section = (tag: string): XmlElement[] => model.children.filter((c) => c.tag === tag).flatMap((c) => c.children);
  const settings = (tag: string): { [name: string]: string } =>
    Object.assign({}, ...model.children.filter((c) => c.tag === tag).map((c) => c.attributes));
  const compiler = settings('compiler');
  const radians = compiler.angle === 'radian';
  const defaultElements = section('default');
  const byClass = defaultsOf(defaultElements);
  const convert = (e: XmlElement): XmlElement => (radians ? e : toRadians(e, byClass));
  const bodies = section('worldbody')
    .filter((e) => e.tag === 'body')
    .map((e) => withInertia(convert(e), compiler.inertiafromgeom));
  const rootName = root ?? String(bodies[0]?.attributes.name ?? '');
  const chosen = bodies.find((b) => b.attributes.name === rootName);
  if (chosen === undefined) {
    const names = bodies.map((b) => b.attributes.name ?? '(unnamed)');
    throw new ConfigError({ where, what: 'no such root body in the world', got: rootName, wanted: names.join(', ') });
  }
  return {
    kind: 'mjcf',
    root: rootName,
    bodies: [chosen, ...bodies.filter((b) => b !== chosen)],
    defaults: defaultElements.map(convert),
    actuators: section('actuator'),
    tendons: section('tendon'),
    sensors: section('sensor'),
    equalities: section('equality'),
    contacts: section('contact'),
    assets: section('asset')
      .filter(({ tag }) => tag !== 'model') // for <attach>, which is refused
      .map((asset) => withPath(asset, compiler)),
    files,
    selfCollides: true,
    options: readOptions(settings('option')),
    floor: undefined,
  };
}

/** The model with the texts it includes in place of `<include>`. */
function included(element: XmlElement, files: NonNullable<MjcfOptions['files']>, depth = 0): XmlElement {
  const children = element.children.flatMap((child) => {
    const bytes = child.tag === 'include' && depth < 10 ? files[plainPath(String(child.attributes.file))] : undefined;
    if (bytes === undefined) return [included(child, files, depth)];
    const text = new TextDecoder().decode(bytes);
    return included(parseXml(text, String(child.attributes.file)), files, depth + 1).children;
  });
  return el(element.tag, element.attributes, children);
}

/** A path below the model's folder: one that leads up from it goes into a folder `up`, so that components stay apart. */
function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length === 0 || parts.at(-1) === 'up') parts.push('up');
    else parts.pop();
  }
  return parts.join('/');
}

/** An asset with its file's path from the model's folder; one that is named after its file gets that name. */
function withPath(asset: XmlElement, compiler: { readonly [name: string]: string }): XmlElement {
  const { attributes } = asset;
  const folder = (asset.tag === 'texture' ? compiler.texturedir : compiler.meshdir) ?? compiler.assetdir;
  const from = (file: string): string => {
    const path = compiler.strippath === 'true' ? (file.split('/').at(-1) as string) : file;
    return plainPath(`${folder ?? ''}/${path}`);
  };
  const placed = Object.entries(attributes).map(([key, value]) => [
    key,
    key.startsWith('file') ? from(String(value)) : value,
  ]);
  const file = String(attributes.file ?? '')
    .split('/')
    .at(-1) as string;
  const named = attributes.name === undefined && file !== '' ? { name: file.replace(/\.[^.]*$/, '') } : {};
  return el(asset.tag, { ...named, ...Object.fromEntries(placed) }, asset.children);
}

/** What would change the bodies by being left out is named, before anything is made. */
function refuseWhatIsLost(model: XmlElement): void {
  const refuse = (what: string, fix: string): never => {
    throw new ConfigError({ where, what: `${what} cannot be attached`, fix });
  };
  for (const { tag, attributes } of walk(model)) {
    if (tag === 'include')
      refuse(`<include file="${attributes.file}">`, 'Name the model by xmlFile, or give its files');
    if (tag === 'attach') refuse('<attach>', 'Make it a component of its own');
  }
  for (const { tag, attributes, children } of model.children) {
    if (![...taken, ...leftOut].includes(tag)) refuse(`<${tag}>`, 'Load such a model by itself: xmlFile of a task');
    const inWorld = ['body', 'geom', 'light', 'camera', 'site'];
    const lost = tag === 'worldbody' ? children.find((c) => !inWorld.includes(c.tag)) : undefined;
    if (lost !== undefined) refuse(`<${lost.tag}> in the world`, 'Put it into a body');
    if (tag === 'option' && children.length > 0) refuse('<flag>', 'Leave it out');
    const main = tag === 'default' ? (attributes.class ?? 'main') : 'main';
    if (main !== 'main') refuse(`the name "${main}" of the main default class`, 'Leave it out, or call it main');
    if (tag !== 'compiler') continue;
    for (const [name, value] of Object.entries(attributes)) {
      if (name === 'settotalmass') refuse(name, 'Give the geoms their mass');
      const values = name in compilerSettings ? (compilerSettings[name] ?? [value]) : [];
      if (!values.includes(value as string))
        refuse(`${name}="${value}" of <compiler>`, 'Write what it does at the elements');
    }
  }
}

/** A composed model takes masses from `<inertial>` and else from geoms; 'true' ignores the one, 'false' the other. */
function withInertia(body: XmlElement, from = 'auto'): XmlElement {
  if (from === 'auto') return body;
  const children = body.children.map((c) => (c.tag === 'body' ? withInertia(c, from) : c));
  const given = children.some(({ tag }) => tag === 'inertial');
  if (from === 'true')
    return el(
      body.tag,
      body.attributes,
      children.filter(({ tag }) => tag !== 'inertial'),
    );
  if (given) return el(body.tag, body.attributes, children);
  const massless = children.map((c) => (c.tag === 'geom' ? el('geom', { ...c.attributes, mass: 0 }) : c));
  return el(body.tag, body.attributes, massless);
}

function readOptions(option: { [name: string]: string }): PhysicsOptions {
  const numeric = ['timestep', 'iterations', 'density', 'viscosity'] as const;
  return {
    ...option, // MuJoCo has more than are named in PhysicsOptions
    ...Object.fromEntries(numeric.flatMap((k) => (option[k] === undefined ? [] : [[k, Number(option[k])]]))),
    ...(option.gravity !== undefined && {
      gravity: option.gravity.trim().split(/\s+/).map(Number) as [number, number, number],
    }),
  } as PhysicsOptions;
}

/** MJCF's angles are degrees unless the compiler says radian: ranges of hinges, Euler angles, the angle of axisangle. */
function toRadians(element: XmlElement, byClass: DefaultsOf, outer?: string): XmlElement {
  const { tag, attributes } = element;
  const scale = (value: unknown, from = 0): number[] =>
    String(value)
      .trim()
      .split(/\s+/)
      .map((x, i) => (i < from ? Number(x) : Number(x) * (Math.PI / 180)));
  const turned: { [name: string]: number[] } = {};
  if (attributes.euler !== undefined) turned.euler = scale(attributes.euler);
  if (attributes.axisangle !== undefined) turned.axisangle = scale(attributes.axisangle, 3);
  const type = attributes.type ?? byClass('joint', classOf(element, outer)).type ?? 'hinge';
  if (tag === 'joint' && type !== 'slide' && type !== 'free') {
    for (const name of ['range', 'ref', 'springref'] as const) {
      if (attributes[name] !== undefined) turned[name] = scale(attributes[name]);
    }
  }
  return el(
    tag,
    { ...attributes, ...turned },
    element.children.map((child) => toRadians(child, byClass, classWithin(element, outer))),
  );
}
