/** An environment that steps while it is watched, as a source of the viewer. */
import type { Env } from '@gimbal/tensor-core';
import { bodyOf } from '../recording/body.ts';
import { chooser, type RecordPolicy } from '../recording/policy.ts';
import { recordedGeoms, writePoses } from '../recording/shapes.ts';
import type { ViewerSource } from './source.ts';

/** Who acts, and what is told of each step. */
export interface LiveOptions {
  /** default 'random', which draws from the seed */
  policy?: RecordPolicy;
  /** of the first reset; default 0 */
  seed?: number;
  /** told of each step: its reward, and whether the episode ended (the next begins at once) */
  onStep?: (step: { reward: number; terminated: boolean; truncated: boolean }) => void;
}

/**
 * Steps an environment as fast as it is watched: `createViewer(element, liveSource(env))`. The viewer's pause and slow
 * motion hold it back. The caller closes the environment after the viewer.
 * @throws DataError for an environment without a body to show
 * @example createViewer(element, liveSource(await makeEnv('Ant-v5'), { policy: (obs) => agent.act(obs) }));
 */
export function liveSource(env: Env, { policy = 'random', seed = 0, onStep }: LiveOptions = {}): ViewerSource {
  const body = bodyOf(env, 'liveSource');
  const { shapes } = body;
  const poses = new Float32Array(7 * shapes.geomType.length);
  const choose = chooser(env, policy, seed);
  let [{ obs, info }, now, sum, begins] = [env.reset({ seed }), 0, 0, true];
  return {
    title: `${env.spec.id}, live`,
    geoms: recordedGeoms(shapes),
    meshes: shapes.meshes.map(({ vertices, faces, texcoords }) => ({
      vertices,
      faces: [...faces],
      ...(texcoords !== undefined && { texcoords }),
    })),
    textures: shapes.textures,
    dt: body.frameSeconds,
    frames: Number.POSITIVE_INFINITY,
    poses(frame) {
      for (; now < frame; now++) {
        const next = env.step(choose(obs, now, begins, info));
        const { reward, terminated, truncated } = next;
        const ended = terminated || truncated;
        begins = ended;
        sum = ended ? 0 : sum + reward;
        ({ obs, info } = ended ? env.reset() : next);
        onStep?.({ reward, terminated, truncated });
      }
      writePoses(body.poses(), poses, 0);
      return poses;
    },
    contacts: () => body.contacts(),
    caption: () => `return ${sum.toFixed(1)}`,
  };
}
