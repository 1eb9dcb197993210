/** Writes the unit quaternion w x y z of a row-major rotation matrix (Shepperd's method). */
export function quatOfMatrix(m: Float64Array, from: number, out: Float32Array, at: number): void {
  const e = (i: number): number => m[from + i] as number;
  const trace = e(0) + e(4) + e(8);
  let q: [number, number, number, number];
  if (trace > 0) q = [1 + trace, e(7) - e(5), e(2) - e(6), e(3) - e(1)];
  else if (e(0) > e(4) && e(0) > e(8)) q = [e(7) - e(5), 1 + e(0) - e(4) - e(8), e(1) + e(3), e(2) + e(6)];
  else if (e(4) > e(8)) q = [e(2) - e(6), e(1) + e(3), 1 + e(4) - e(0) - e(8), e(5) + e(7)];
  else q = [e(3) - e(1), e(2) + e(6), e(5) + e(7), 1 + e(8) - e(0) - e(4)];
  const length = Math.hypot(...q);
  for (let i = 0; i < 4; i++) out[at + i] = (q[i] as number) / length;
}
