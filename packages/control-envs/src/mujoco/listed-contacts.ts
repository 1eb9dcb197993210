/**
 * Which shapes may ever touch is constant. Where their pairs are few, the engine is given them by name and spares its
 * search for near bodies, which it would repeat in each evaluation of the dynamics (four a physics step under RK4): a
 * tenth to a fifth of a legged body's time. The pairs have the properties that the engine would mix from the two
 * shapes, in its own order, so that every bit of a trajectory stays; a model where that is not plain is left alone.
 */
import type { MjModel } from '@mujoco/mujoco';
import { el, writeXml } from '../mjcf/xml.ts';

type Arrays = { readonly [field: string]: Float64Array };

/** More are left to the engine's search; with the 200 of two ants, the list still spares a tenth. */
const mostPairs = 256;
/** mjtGeom: plane, sphere, capsule, ellipsoid, cylinder, box */
const primitives: readonly number[] = [0, 2, 3, 4, 5, 6];
const plane = 0;
/** mjtDisableBit: no contacts; parent and child touch */
const otherContacts = (1 << 4) | (1 << 10);
/** mjtEnableBit: one margin for all; sleeping bodies; contacts as barriers */
const otherSearch = (1 << 0) | (1 << 4) | (1 << 6);

/**
 * @param compile the engine's compiler
 * @returns the model, or in its place (it is deleted then) one that knows its contacts and behaves the same
 */
export function withListedContacts(model: MjModel, mjcf: string, compile: (text: string) => MjModel): MjModel {
  const pairs = pairsOf(model);
  const end = mjcf.lastIndexOf('</mujoco>');
  if (pairs === undefined || end < 0) return model;
  const listed = compile(`${mjcf.slice(0, end)}<contact>${pairs.join('')}</contact>${mjcf.slice(end)}`);
  // not so if the end found was in a comment, or the text's defaults say more about pairs
  if (listed.npair !== pairs.length || listed.flg_adhesion) {
    listed.delete();
    return model;
  }
  model.delete();
  const arrays = listed as unknown as Arrays;
  for (const field of ['geom_contype', 'geom_conaffinity', 'body_contype', 'body_conaffinity']) arrays[field]?.fill(0);
  return listed;
}

/** Elements for all pairs that may touch; undefined where there are none, too many, or one that is not plain. */
function pairsOf(model: MjModel): string[] | undefined {
  const { disableflags, enableflags } = model.opt;
  if (disableflags & otherContacts || enableflags & otherSearch) return undefined;
  if (model.npair > 0 || model.nflex > 0 || model.flg_adhesion || model.flg_surfacevel) return undefined;
  const pairs: string[] = [];
  const names = geomNames(model);
  for (const [g1, g2] of touching(model)) {
    const pair = pairOf(model, names, g1, g2);
    if (pair === undefined || pairs.push(pair) > mostPairs) return undefined;
  }
  return pairs.length === 0 ? undefined : pairs;
}

/** Pairs that the engine's filters let through: collision bits, one rigid body, parent and child, exclusions. */
function* touching(model: MjModel): Generator<[number, number]> {
  const m = model as unknown as Arrays;
  const at = (field: string, i: number): number => m[field]?.[i] as number;
  const excluded = new Set<number>(m.exclude_signature);
  const weld = Array.from({ length: model.nbody }, (_, b) => at('body_weldid', b));
  const weldParent = weld.map((w) => weld[at('body_parentid', w)] as number);
  const geoms = weld.map((_, b) =>
    Array.from({ length: at('body_geomnum', b) }, (_, i) => at('body_geomadr', b) + i).filter(
      (g) => at('geom_contype', g) !== 0 || at('geom_conaffinity', g) !== 0,
    ),
  );
  for (let b1 = 0; b1 < weld.length; b1++) {
    for (let b2 = b1 + 1; b2 < weld.length; b2++) {
      const [w1, w2] = [weld[b1], weld[b2]];
      if (w1 === w2 || excluded.has((b1 << 16) + b2)) continue;
      if (w1 !== 0 && w2 !== 0 && (w1 === weldParent[b2] || w2 === weldParent[b1])) continue;
      for (const g1 of geoms[b1] ?? []) {
        for (const g2 of geoms[b2] ?? []) {
          const bits = [
            at('geom_contype', g1) & at('geom_conaffinity', g2),
            at('geom_contype', g2) & at('geom_conaffinity', g1),
          ];
          const planes = at('geom_type', g1) === plane && at('geom_type', g2) === plane;
          if (!planes && bits.some((b) => b !== 0)) yield [g1, g2];
        }
      }
    }
  }
}

/** One pair with what the engine would mix; undefined where the mix is not plain or a name is not. */
function pairOf(model: MjModel, names: readonly string[], g1: number, g2: number): string | undefined {
  const m = model as unknown as Arrays;
  const row = (field: string, size: number, g: number): number[] => [
    ...(m[field]?.subarray(size * g, size * (g + 1)) ?? []),
  ];
  const larger = (field: string, size: number): number[] =>
    row(field, size, g1).map((x, i) => Math.max(x, row(field, size, g2)[i] as number));
  const sum = (field: string): number => (m[field]?.[g1] as number) + (m[field]?.[g2] as number);
  const isSame = (field: string, size: number): boolean =>
    row(field, size, g1).every((x, i) => x === row(field, size, g2)[i]);
  const isPlain =
    [g1, g2].every((g) => primitives.includes(m.geom_type?.[g] as number) && (m.geom_solmix?.[g] as number) > 0) &&
    isSame('geom_priority', 1) &&
    isSame('geom_solmix', 1) &&
    isSame('geom_solref', 2) &&
    isSame('geom_solimp', 5);
  const [name1, name2] = [names[g1] as string, names[g2] as string];
  if (!isPlain || ![name1, name2].every((name) => /^[\w./-]+$/.test(name))) return undefined;
  const [slide, spin, roll] = larger('geom_friction', 3) as [number, number, number];
  const attributes = {
    geom1: name1,
    geom2: name2,
    condim: larger('geom_condim', 1),
    friction: [slide, slide, spin, roll, roll],
    solref: row('geom_solref', 2, g1),
    solreffriction: [0, 0],
    solimp: row('geom_solimp', 5, g1),
    margin: sum('geom_margin'),
    gap: sum('geom_gap'),
  };
  return writeXml(el('pair', attributes));
}

/** Empty for a shape without a name. */
function geomNames(model: MjModel): string[] {
  const bytes = Uint8Array.from(model.names as Int8Array);
  const addresses = model.name_geomadr as Int32Array;
  return Array.from(addresses, (from) => new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from))));
}
