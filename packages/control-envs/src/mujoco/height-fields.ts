/** A model's height fields as triangles: two a cell, in the frame of the shape that shows them. */
import type { Mesh } from './surfaces.ts';

/** @param m the engine's arrays by field: sizes x, y, top, base; rows along y, columns along x, heights 0 to 1 */
export function readHeightFields(m: { readonly [field: string]: ArrayLike<number> | undefined }): Mesh[] {
  return Array.from(m.hfield_adr ?? [], (from, h) => {
    const [rows, columns] = [m.hfield_nrow?.[h] as number, m.hfield_ncol?.[h] as number];
    const [x, y, top] = [0, 1, 2].map((i) => m.hfield_size?.[4 * h + i] as number) as [number, number, number];
    const vertices = new Float32Array(3 * rows * columns);
    const faces = new Int32Array(6 * (rows - 1) * (columns - 1));
    let at = 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const v = r * columns + c;
        vertices[3 * v] = x * ((2 * c) / (columns - 1) - 1);
        vertices[3 * v + 1] = y * ((2 * r) / (rows - 1) - 1);
        vertices[3 * v + 2] = top * (m.hfield_data?.[from + v] as number);
        if (r + 1 === rows || c + 1 === columns) continue;
        // the diagonal along which the engine splits a cell
        faces.set([v, v + 1, v + columns, v + columns, v + 1, v + columns + 1], at);
        at += 6;
      }
    }
    return { vertices, faces };
  });
}
