// Pictures of a tri-finger scene by the software rasteriser, on one core.
import { compileMjcf, defaultCamera, Rasterizer } from '@gimbal/control-envs';
import { compare } from '../../bench/row.ts';
import type { SamplerOptions } from '../../bench/sampler.ts';
import type { BenchRow, SuiteContext } from '../../bench/suite.ts';

/** Frames that observations of 64 × 64 should give in a second: training waits for physics then, not for pictures. */
const framesWanted = 1500;

/** The scene of a tri-finger robot: three fingers of links and tips, a cube to move, the arena around. */
function triFinger(): string {
  const finger = (
    k: number,
  ): string => `<body pos="0 0 0.29" euler="0 0 ${120 * k}"><geom type="cylinder" size=".03 .04"/>
    <body pos="0.05 0 0"><joint name="a${k}" axis="1 0 0"/><geom type="capsule" fromto="0 0 0 .06 0 0" size=".02"/>
    <body pos="0.06 0 0"><joint name="b${k}" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 .05 0 -.15" size=".016"/>
    <body pos="0.05 0 -0.15"><joint name="c${k}" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 -.04 0 -.14" size=".012"/>
    <geom type="sphere" pos="-.04 0 -.14" size=".016" rgba=".2 .2 .2 1"/><geom type="box" pos="0 0 -.05" size=".008 .014 .03"/>
    </body></body></body></body>`;
  const wall = (k: number): string => {
    const angle = (Math.PI * k) / 4;
    const place = `pos="${0.24 * Math.cos(angle)} ${0.24 * Math.sin(angle)} .03" euler="0 0 ${45 * k}"`;
    return `<geom type="box" size=".005 .1 .03" ${place} rgba=".5 .5 .55 1"/>`;
  };
  return `<mujoco><worldbody><geom type="plane" size="0 0 1" rgba=".6 .6 .6 1"/>
    ${[0, 1, 2].map(finger).join('')}${[0, 1, 2, 3, 4, 5, 6, 7].map(wall).join('')}
    <body pos="0.03 0.02 .0325"><freejoint/><geom type="box" size=".0325 .0325 .0325" rgba=".8 .2 .2 1"/></body>
    </worldbody></mujoco>`;
}

/** Pictures a second of `size` × `size` pixels, each from another side. */
export async function drawing(context: SuiteContext, size: number, sampling: SamplerOptions): Promise<BenchRow> {
  const model = await compileMjcf(triFinger(), { source: 'tri-finger' });
  const sim = model.simulate();
  sim.forward();
  const rasterizer = new Rasterizer(model.info, size, size);
  const out = new Uint8Array(size * size * 3);
  const camera = { ...defaultCamera, elevation: -0.7, distance: 0.8, lookat: [0, 0, 0.1] as const };
  let turn = 0;
  const work = (calls: number): void => {
    for (let i = 0; i < calls; i++) {
      turn += 0.01; // another view each time
      rasterizer.render(sim, { ...camera, azimuth: turn }, out);
    }
  };
  const name = `pictures ${size} × ${size} of ${model.info.geomType.length} shapes`;
  const row = await compare(context, { name, unit: 'frames/s', value: (s) => 1 / s, more: true, work, sampling });
  sim.close();
  model.close();
  // without a peer: against the rate that training asks for
  return size === 64 ? { ...row, ratio: row.ours / framesWanted, goal: 1 } : row;
}
