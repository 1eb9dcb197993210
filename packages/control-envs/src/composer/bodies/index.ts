export { ant } from './ant.ts';
export { halfCheetah } from './half-cheetah.ts';
export { humanoid } from './humanoid.ts';
export { hopper, walker2d } from './legged-planar.ts';
export { invertedDoublePendulum, invertedPendulum } from './pendulums.ts';
export { pusher } from './pusher.ts';
export { reacher } from './reacher.ts';
export { swimmer } from './swimmer.ts';
