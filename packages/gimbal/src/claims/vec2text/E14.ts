// The contract of the four spaces; with --full also what round-trip training makes of each.
import { disposeTree, rng } from '@gimbal/tensor-core';
import {
  asActionSpace,
  controlSpace,
  interpolate,
  type SpaceKind,
  sample,
  spaceKinds,
  spaceStats,
  vec2text,
} from '@gimbal/vec2text';
import { tensor2d, tidy } from '@tensorflow/tfjs-core';
import { type ClaimContext, defineClaim } from '../../reproduce/claim.ts';
import { measuresOf } from './internal/experiment.ts';
import { short } from './internal/measured.ts';

const [k, rows] = [32, 256];

export const claim = defineClaim({
  id: 'E14',
  claim:
    'codes lie in their space, the way between two stays there where it should, and what has no bounds is no action space',
  paper: 'a bounded, convex control space is asked for; which one is not stated',
  wanted:
    'codes inside to 1e-6; project idempotent; lerp stays in box and ball, is refused off the sphere; free refused as action space; measures of each reported',
  quick: true,
  async run(c) {
    const seed = c.seeds[0] ?? 0;
    const failed: string[] = [];
    const expect = (what: string, good: boolean): void => {
      if (!good) failed.push(what);
    };
    for (const kind of spaceKinds) contract(kind, seed, expect);
    const measured = await metrics(c.full ? spaceKinds : ['box'], seed, c);
    return {
      measured: `${failed.length === 0 ? 'all checks pass' : `failed: ${failed.join('; ')}`}; ${measured}`,
      verdict: failed.length === 0 ? 'holds' : 'fails',
    };
  },
});

/** Tells `expect` of each part of a space’s contract whether it holds. */
export function contract(kind: SpaceKind, seed: number, expect: (what: string, good: boolean) => void): void {
  const stream = rng(seed).split(`claims.E14 ${kind}`);
  const module = vec2text({ vocabSize: 100, space: kind, controlDim: k });
  const { space } = module;
  const params = module.init(stream.split('init'));
  const read = (make: () => ReturnType<typeof module.encode>): Float32Array =>
    tidy(make).dataSync<'float32'>().slice() as Float32Array;
  const ids = Int32Array.from({ length: rows * 10 }, () => 4 + stream.int(96));
  const codes = read(() => module.encode(params, tensor2d(ids, [rows, 10], 'int32')));
  // far outside, too
  const wild = Float32Array.from({ length: rows * k }, () => 5 * stream.normal());
  const squashed = read(() => space.squash(tensor2d(wild, [rows, k])));
  for (const [name, z] of Object.entries({ codes, squashed }))
    expect(`${kind}: ${name} inside to 1e-6`, space.contains(z, 1e-6).every(Boolean));
  const projected = space.projectCodes(wild);
  const again = space.projectCodes(projected);
  expect(`${kind}: projected inside`, space.contains(projected, 1e-6).every(Boolean));
  expect(
    `${kind}: project idempotent`,
    again.every((x, i) => Math.abs(x - (projected[i] as number)) <= 1e-6),
  );
  if (kind === 'sphere') {
    expect(
      'lerp refused off the sphere',
      refusedAs(() => interpolate(space, codes, projected, 5, { mode: 'lerp' }), 'OUT_OF_SPACE'),
    );
    expect('slerp stays on the sphere', space.contains(interpolate(space, codes, projected, 5), 1e-5).every(Boolean));
  } else if (space.bounded) {
    const way = interpolate(space, codes, projected, 7, { mode: 'lerp' });
    expect(`${kind}: lerp inside`, space.contains(way, 1e-6).every(Boolean));
    const drawn = sample(space, rows, { prior: 'uniform', rng: stream });
    expect(`${kind}: uniform samples inside`, space.contains(drawn, 1e-6).every(Boolean));
  }
  const asked = (): unknown => asActionSpace({ module, stats: spaceStats(controlSpace(kind, k), codes) });
  if (kind === 'free') expect('free refused as action space', refusedAs(asked, 'UNBOUNDED'));
  else expect(`${kind}: an action space`, !refusedAs(asked, 'UNBOUNDED'));
  disposeTree(params);
}

function refusedAs(f: () => unknown, reason: string): boolean {
  try {
    f();
    return false;
  } catch (error) {
    return (error as { reason?: string }).reason === reason;
  }
}

async function metrics(kinds: readonly SpaceKind[], seed: number, c: ClaimContext): Promise<string> {
  const names = ['meaningMatch', 'validPrior(gaussian-fit)', 'tripletAccuracy', 'interpValid', 'interpConsistency'];
  const parts: string[] = [];
  for (const space of kinds) {
    const found = await measuresOf({ objective: 'rtt', seed, ...(space !== 'box' && { module: { space } }) }, c);
    parts.push(`${space} ${names.map((name) => short(found[name]?.value ?? Number.NaN)).join(' ')}`);
  }
  return `rtt, ${names.join(', ')}: ${parts.join('; ')}`;
}
