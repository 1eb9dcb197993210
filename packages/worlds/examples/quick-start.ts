import { newsroom } from '@gimbal/worlds';

// any seeded stream does: rng(seed) of @gimbal/tensor-core, or this one in ten lines
function stream(seed: number) {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (n: number): number => Math.floor(uniform() * n);
  return { uniform, int, split: (name: string | number) => stream(seed + String(name).length) };
}

const world = newsroom();
const rows = world.rows(2000, stream(0)); // { prompt: an article, completion: a careless reference }
console.log(rows[0]);

const isTrue = ({ prompt, completion }: { prompt: string; completion: string }): boolean =>
  world.entails(world.parse(prompt), completion).label === 'entailment';
console.log(`${Math.round((100 * rows.filter(isTrue).length) / rows.length)} % say only what the article says`);
