import { rng } from '@gimbal/tensor-core';
import { controlSpace, interpolate, perturb, spaceStats } from '@gimbal/vec2text';

const space = controlSpace('box', 2);
const codes = Float32Array.of(-0.5, 0, 0.5, 0.25, 0, 0.75);
const stats = spaceStats(space, codes);
const way = interpolate(space, codes.slice(0, 2), codes.slice(2, 4), 3);
console.log(`the middle ${way.slice(2, 4).join(' ')}`);
const near = perturb(space, way, { scale: 0.5, stats, rng: rng(0) });
console.log(`inside ${space.contains(near).join(' ')}`);
