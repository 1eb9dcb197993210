/** Components that are named by file: `{ use: 'mjcf', params: { xmlFile: 'robots/arm/scene.xml' } }` stays plain data. */
import { ConfigError } from '@gimbal/tensor-core';
import type { Scene, SceneComponent } from './scene.ts';

/**
 * The scene with the texts of such models, and the files that they name, in place of their paths.
 * @throws DataError for a file that cannot be read
 */
export async function withFiles(scene: Scene): Promise<Scene> {
  if (Array.isArray(scene.components)) return scene; // spread, a list would pass for an object; compileScene refuses it
  const read: { [name: string]: SceneComponent } = {};
  for (const [name, component] of Object.entries(scene.components ?? {})) {
    const { xmlFile, ...params } = component?.params ?? {};
    if (component?.use !== 'mjcf' || xmlFile === undefined) continue;
    if (typeof xmlFile !== 'string' || params.mjcf !== undefined) {
      const where = `scene.components.${name}.params`;
      throw new ConfigError({ where, what: 'bad model', got: xmlFile, wanted: 'xmlFile, a path, or mjcf, a text' });
    }
    const { readMjcf } = await import('../mujoco/load-mjcf.node.ts');
    read[name] = { ...component, params: { ...params, ...(await readMjcf(xmlFile)) } };
  }
  return { ...scene, components: { ...scene.components, ...read } };
}
