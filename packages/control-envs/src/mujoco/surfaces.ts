/** How the shapes of a compiled model look: colours, pictures on them, triangles. Copies. */
/** Triangles; `[n * 3]` each. */
export interface Mesh {
  /** x, y, z of each vertex */
  readonly vertices: Float32Array;
  /** three vertices of each triangle */
  readonly faces: Int32Array;
  /** texture coordinates u, v of each triangle's corners `[faces * 2]`; undefined where it has none */
  readonly texcoords?: Float32Array | undefined;
}

/** A picture on shapes. */
export interface Texture {
  /** pixels */
  readonly width: number;
  /** pixels */
  readonly height: number;
  /** `[height * width * 3]`; the first row is where the coordinate v is 0 */
  readonly rgb: Uint8Array;
}

/** As `ModelInfo` has them. */
interface Surfaces {
  geomRgba: Float32Array;
  geomTexture: Int32Array;
  geomTextureRepeat: Float32Array;
  geomTextureUniform: Uint8Array;
  textures: readonly Texture[];
}

/** The engine's arrays by field. */
interface Fields {
  readonly [field: string]: ArrayLike<number> | undefined;
}

/** mjtTexture: 0 is a flat picture, others are cubes; and of mjtTextureRole: 1 is colour */
const [flat, colourRole] = [0, 1];
/** mjtGeom */
const [plane, mesh] = [0, 7];
/** pictures are halved until no side is longer: a wall of 4096 pixels would make recordings of 64 MB */
const longestSide = 1024;

/**
 * A geom's own colour, or its material's where it has one; its picture, if it is a plane or a mesh with coordinates.
 * Pictures that cannot be laid on (cubes, other shapes) colour the geom by their mean.
 */
export function readSurfaces(m: Fields, mjcf: string, materialNames: readonly string[]): Surfaces {
  const colours = Float32Array.from(m.geom_rgba ?? []);
  const materials = m.geom_matid ?? [];
  const count = materials.length;
  const roles = (m.mat_texid?.length ?? 0) / Math.max(1, (m.mat_rgba?.length ?? 0) / 4);
  const all = readTextures(m);
  const [textures, kept]: [Texture[], Map<number, number>] = [[], new Map()];
  const surfaces = {
    geomTexture: new Int32Array(count).fill(-1),
    geomTextureRepeat: new Float32Array(2 * count).fill(1),
    geomTextureUniform: new Uint8Array(count),
  };
  for (let g = 0; g < count; g++) {
    const material = materials[g] as number;
    if (material < 0) continue;
    const isDefault = [0, 1, 2].every((c) => colours[4 * g + c] === 0.5);
    if (isDefault) for (let c = 0; c < 4; c++) colours[4 * g + c] = m.mat_rgba?.[4 * material + c] as number;
    const t = m.mat_texid?.[material * roles + colourRole] ?? -1;
    const texture = all[t];
    if (texture === undefined) continue;
    const data = m.geom_dataid?.[g] as number;
    const type = m.geom_type?.[g];
    const hasCoordinates = type === mesh && (m.mesh_texcoordnum?.[data] ?? 0) > 0;
    if (m.tex_type?.[t] === flat && (type === plane || hasCoordinates)) {
      if (!kept.has(t)) kept.set(t, textures.push(texture) - 1);
      surfaces.geomTexture[g] = kept.get(t) as number;
      for (const i of [0, 1]) surfaces.geomTextureRepeat[2 * g + i] = m.mat_texrepeat?.[2 * material + i] ?? 1;
      surfaces.geomTextureUniform[g] = repeatsByMetre(mjcf, materialNames[material]) ? 1 : 0;
    } else {
      for (const [c, mean] of meanColour(texture).entries()) colours[4 * g + c] = (colours[4 * g + c] as number) * mean;
    }
  }
  return { geomRgba: colours, ...surfaces, textures };
}

/** The binding cannot read arrays of booleans (`mat_texuniform`): the text says it, for materials that stand there. */
function repeatsByMetre(mjcf: string, material: string | undefined): boolean {
  const elements = mjcf.match(/<material\b[^>]*>/g) ?? [];
  return elements.some((e) => e.includes(`name="${material}"`) && /\btexuniform\s*=\s*"true"/.test(e));
}

function readTextures(m: Fields): Texture[] {
  return Array.from(m.tex_adr ?? [], (from, t) => {
    const [width, height] = [m.tex_width?.[t] as number, m.tex_height?.[t] as number];
    const channels = m.tex_nchannel?.[t] as number;
    const rgb = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) {
      // one channel is grey
      for (let c = 0; c < 3; c++)
        rgb[3 * i + c] = m.tex_data?.[from + i * channels + Math.min(c, channels - 1)] as number;
    }
    return smaller({ width, height, rgb });
  });
}

/** Halves both sides, by means of four, until neither is too long. */
function smaller(texture: Texture): Texture {
  const { width, height, rgb } = texture;
  if (Math.max(width, height) <= longestSide) return texture;
  const [w, h] = [Math.max(1, width >> 1), Math.max(1, height >> 1)];
  const half = new Uint8Array(w * h * 3);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (const [i, j] of [
          [0, 0],
          [1, 0],
          [0, 1],
          [1, 1],
        ] as const) {
          const [px, py] = [Math.min(2 * x + i, width - 1), Math.min(2 * y + j, height - 1)];
          sum += rgb[3 * (py * width + px) + c] as number;
        }
        half[3 * (y * w + x) + c] = (sum + 2) >> 2;
      }
    }
  }
  return smaller({ width: w, height: h, rgb: half });
}

function meanColour({ rgb }: Texture): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < rgb.length; i++) sums[i % 3] = (sums[i % 3] as number) + (rgb[i] as number);
  return sums.map((sum) => sum / Math.max(1, rgb.length / 3) / 255) as [number, number, number];
}

/** Every mesh's triangles, with texture coordinates for each corner where it has them. */
export function readMeshes(m: Fields): Mesh[] {
  const slice = (all: ArrayLike<number> | undefined, from: number, count: number): number[] =>
    Array.from({ length: count * 3 }, (_, i) => all?.[from * 3 + i] as number);
  return Array.from(m.mesh_vertadr ?? [], (from, i) => {
    const [faceFrom, faceCount] = [m.mesh_faceadr?.[i] as number, m.mesh_facenum?.[i] as number];
    const coordinates = m.mesh_texcoordadr?.[i] as number;
    const corners = slice(m.mesh_facetexcoord, faceFrom, faceCount);
    const texcoords =
      (m.mesh_texcoordnum?.[i] ?? 0) > 0
        ? Float32Array.from(
            corners.flatMap((c) => [0, 1].map((k) => m.mesh_texcoord?.[2 * (coordinates + c) + k] as number)),
          )
        : undefined;
    return {
      vertices: Float32Array.from(slice(m.mesh_vert, from, m.mesh_vertnum?.[i] as number)),
      faces: Int32Array.from(slice(m.mesh_face, faceFrom, faceCount)),
      ...(texcoords !== undefined && { texcoords }),
    };
  });
}
