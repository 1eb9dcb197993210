/** The shapes of a model as three.js objects. */
import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  CapsuleGeometry,
  Color,
  CylinderGeometry,
  DataTexture,
  Mesh,
  MeshStandardMaterial,
  NearestFilter,
  PlaneGeometry,
  RepeatWrapping,
  RGBAFormat,
  SphereGeometry,
} from 'three';
import type { RecordedGeom } from '../recording/recording.ts';
import type { ViewerMesh } from './source.ts';

/** mjtGeom; see mujoco/model-info.ts */
const [plane, sphere, capsule, ellipsoid, cylinder, box] = [0, 2, 3, 4, 5, 6];

/** One object for each geom; undefined for what is hidden. */
export function makeBodies(geoms: readonly RecordedGeom[], meshes: readonly ViewerMesh[]): (Mesh | undefined)[] {
  return geoms.map((geom) => {
    const [r, g, b, alpha] = geom.rgba;
    if (alpha < 0.05) return undefined;
    const color = new Color().setRGB(r, g, b, 'srgb');
    const material = new MeshStandardMaterial({ color, roughness: 0.7, transparent: alpha < 1, opacity: alpha });
    if (geom.type === plane) material.map = chequers();
    const mesh = new Mesh(geometryOf(geom, meshes), material);
    mesh.castShadow = geom.type !== plane;
    mesh.receiveShadow = true;
    return mesh;
  });
}

function geometryOf({ type, size: [a, b, c], mesh }: RecordedGeom, meshes: readonly ViewerMesh[]): BufferGeometry {
  switch (type) {
    case plane: {
      // chequers of one metre, as far as the plane goes
      const [x, y] = [Math.min(a || 40, 40), Math.min(b || 40, 40)];
      const geometry = new PlaneGeometry(2 * x, 2 * y);
      const uv = geometry.getAttribute('uv');
      for (let i = 0; i < uv.count; i++) uv.setXY(i, uv.getX(i) * x, uv.getY(i) * y);
      return geometry;
    }
    case sphere:
      return new SphereGeometry(a, 32, 24);
    case capsule:
      return new CapsuleGeometry(a, 2 * b, 12, 24).rotateX(Math.PI / 2); // along z
    case ellipsoid:
      return new SphereGeometry(1, 32, 24).scale(a, b, c);
    case cylinder:
      return new CylinderGeometry(a, a, 2 * b, 32).rotateX(Math.PI / 2);
    case box:
      return new BoxGeometry(2 * a, 2 * b, 2 * c);
    default: {
      const geometry = new BufferGeometry();
      const found = mesh === undefined ? undefined : meshes[mesh];
      if (found === undefined) return geometry;
      geometry.setAttribute('position', new BufferAttribute(found.vertices, 3));
      geometry.setIndex([...found.faces]);
      geometry.computeVertexNormals();
      return geometry;
    }
  }
}

function chequers(): DataTexture {
  const [light, dark] = [255, 205];
  const pixels = [light, dark, dark, light].flatMap((v) => [v, v, v, 255]);
  const texture = new DataTexture(Uint8Array.from(pixels), 2, 2, RGBAFormat);
  texture.wrapS = RepeatWrapping;
  texture.wrapT = RepeatWrapping;
  texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}
