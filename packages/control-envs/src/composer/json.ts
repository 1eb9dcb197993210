/** Scenes as JSON, and edits by dotted path. */
import { ConfigError, DataError, nearest } from '@gimbal/tensor-core';
import { checkScene } from './check-scene.ts';
import type { Scene } from './scene.ts';

/**
 * A scene as JSON text, indented by two spaces, with a line end at the end.
 * @throws ConfigError for an invalid scene, and for a value that JSON does not have
 */
export function sceneToJson(scene: Scene): string {
  checkScene(scene);
  return `${JSON.stringify(scene, plain, 2)}\n`;
}

/** Refuses what JSON would write as null, or leave out: it would be another scene that is read back. */
function plain(key: string, value: unknown): unknown {
  const isKept = typeof value === 'number' ? Number.isFinite(value) : !['function', 'symbol'].includes(typeof value);
  if (isKept) return value;
  const fix = value === Number.POSITIVE_INFINITY ? 'Write a large number, such as 1e9' : undefined;
  throw new ConfigError({ where: 'sceneToJson', what: `JSON cannot hold ${key}`, got: value, ...(fix && { fix }) });
}

/**
 * Reads a scene from JSON text and checks it.
 * @throws DataError for what is no JSON; ConfigError for what is no scene
 */
export function sceneFromJson(text: string): Scene {
  let scene: Scene;
  try {
    scene = JSON.parse(text);
  } catch (cause) {
    throw new DataError({ where: 'sceneFromJson', what: String((cause as Error).message), cause });
  }
  checkScene(scene);
  return scene;
}

/**
 * A copy with some values replaced.
 * @param edits values by path
 * @throws ConfigError for a path whose parent does not exist
 * @example editScene(scene, { 'components.box1.rewards.goal.scale': 2 })
 */
export function editScene(scene: Scene, edits: { readonly [path: string]: unknown }): Scene {
  const copy = structuredClone(scene);
  for (const [path, value] of Object.entries(edits)) {
    const keys = path.split('.');
    let at = copy as unknown as { [key: string]: unknown };
    for (const key of keys.slice(0, -1)) {
      const next = Object.hasOwn(at, key) ? at[key] : undefined;
      if (typeof next !== 'object' || next === null) {
        const guess = nearest(key, Object.keys(at));
        const fix = guess === undefined ? `There are ${Object.keys(at).join(', ')}` : `Did you mean ${guess}?`;
        throw new ConfigError({ where: `editScene ${path}`, what: 'nothing there', got: key, fix });
      }
      at = next as { [key: string]: unknown };
    }
    at[keys.at(-1) as string] = value;
  }
  checkScene(copy);
  return copy;
}
