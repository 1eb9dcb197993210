/** The shapes of a model as three.js objects. */
import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  CapsuleGeometry,
  Color,
  CylinderGeometry,
  DataTexture,
  LinearFilter,
  LinearMipmapLinearFilter,
  Mesh,
  MeshStandardMaterial,
  NearestFilter,
  PlaneGeometry,
  RepeatWrapping,
  RGBAFormat,
  SphereGeometry,
  SRGBColorSpace,
} from 'three';
import type { RecordedGeom } from '../recording/shapes.ts';
import type { ViewerMesh, ViewerTexture } from './source.ts';

/** mjtGeom; see mujoco/model-info.ts */
const [plane, sphere, capsule, ellipsoid, cylinder, box] = [0, 2, 3, 4, 5, 6];

/** One object for each geom; undefined for what is hidden. */
export function makeBodies(
  geoms: readonly RecordedGeom[],
  meshes: readonly ViewerMesh[],
  textures: readonly ViewerTexture[] = [],
): (Mesh | undefined)[] {
  return geoms.map((geom) => {
    const [r, g, b, alpha] = geom.rgba;
    if (alpha < 0.05) return undefined;
    const color = new Color().setRGB(r, g, b, 'srgb');
    const material = new MeshStandardMaterial({ color, roughness: 0.7, transparent: alpha < 1, opacity: alpha });
    const texture = geom.texture === undefined ? undefined : textures[geom.texture];
    if (texture !== undefined) material.map = picture(texture);
    else if (geom.type === plane) material.map = chequers();
    const mesh = new Mesh(geometryOf(geom, meshes), material);
    mesh.castShadow = geom.type !== plane;
    mesh.receiveShadow = true;
    return mesh;
  });
}

function geometryOf(geom: RecordedGeom, meshes: readonly ViewerMesh[]): BufferGeometry {
  const { type, mesh } = geom;
  const [a, b, c] = geom.size;
  switch (type) {
    case plane: {
      // chequers of one metre, or a picture as often as it repeats, as far as the plane goes
      const [x, y] = [Math.min(a || 40, 40), Math.min(b || 40, 40)];
      const geometry = new PlaneGeometry(2 * x, 2 * y);
      const uv = geometry.getAttribute('uv');
      const [perX, perY] = geom.texture === undefined ? [x, y] : repeats(geom, x, y);
      for (let i = 0; i < uv.count; i++) uv.setXY(i, uv.getX(i) * perX, uv.getY(i) * perY);
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
      const { vertices, faces, texcoords } = found;
      if (texcoords === undefined) {
        geometry.setAttribute('position', new BufferAttribute(vertices, 3));
        geometry.setIndex([...faces]);
      } else {
        // corners of one vertex may have different coordinates: every triangle has its own
        const corners = Float32Array.from(faces.flatMap((v) => [...vertices.subarray(3 * v, 3 * v + 3)]));
        geometry.setAttribute('position', new BufferAttribute(corners, 3));
        geometry.setAttribute('uv', new BufferAttribute(texcoords, 2));
      }
      geometry.computeVertexNormals();
      return geometry;
    }
  }
}

/** How often a plane's picture repeats over its whole sides, of half lengths x and y. */
function repeats({ size, repeat = [1, 1], uniform = false }: RecordedGeom, x: number, y: number): [number, number] {
  const over = (i: 0 | 1, half: number): number => repeat[i] * (uniform || size[i] === 0 ? 2 * half : half / size[i]);
  return [over(0, x), over(1, y)];
}

function picture({ width, height, rgb }: ViewerTexture): DataTexture {
  const pixels = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) pixels.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  const texture = new DataTexture(pixels, width, height, RGBAFormat);
  texture.wrapS = RepeatWrapping;
  texture.wrapT = RepeatWrapping;
  texture.magFilter = LinearFilter;
  texture.minFilter = LinearMipmapLinearFilter;
  texture.generateMipmaps = true;
  texture.colorSpace = SRGBColorSpace;
  texture.needsUpdate = true;
  return texture;
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
