/** Small symmetric matrices in float64: eigenvalues by Jacobi rotations, and the pseudo-inverse from them. */

/**
 * u = H⁺ g, with eigenvalues below `cutoff` times the largest (by size) taken as 0.
 * @param h symmetric, row-major `[n·n]`; changed
 */
export function pseudoSolve(h: Float64Array, g: Float64Array, n: number, cutoff = 1e-10): Float64Array {
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  jacobi(h, vectors, n);
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(h[i * n + i] as number));
  const u = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const value = h[k * n + k] as number;
    if (Math.abs(value) <= cutoff * largest) continue;
    let c = 0;
    for (let i = 0; i < n; i++) c += (vectors[i * n + k] as number) * (g[i] as number);
    c /= value;
    for (let i = 0; i < n; i++) u[i] = (u[i] as number) + c * (vectors[i * n + k] as number);
  }
  return u;
}

/** Rotates until all that is off the diagonal has gone; the columns of `vectors` become the eigenvectors. */
function jacobi(h: Float64Array, vectors: Float64Array, n: number): void {
  const at = (i: number, j: number): number => h[i * n + j] as number;
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) off += at(i, j) ** 2;
    if (off === 0) return;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (at(p, q) === 0) continue;
        const theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotate(h, n, p, q, c, t * c);
        for (let i = 0; i < n; i++) {
          const [x, y] = [vectors[i * n + p] as number, vectors[i * n + q] as number];
          vectors[i * n + p] = c * x - t * c * y;
          vectors[i * n + q] = t * c * x + c * y;
        }
      }
    }
  }
}

/** h ← Rᵀ h R for the rotation by (c, s) in the plane of p and q. */
function rotate(h: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const [x, y] = [h[i * n + p] as number, h[i * n + q] as number];
    h[i * n + p] = c * x - s * y;
    h[i * n + q] = s * x + c * y;
  }
  for (let j = 0; j < n; j++) {
    const [x, y] = [h[p * n + j] as number, h[q * n + j] as number];
    h[p * n + j] = c * x - s * y;
    h[q * n + j] = s * x + c * y;
  }
  h[p * n + q] = 0;
  h[q * n + p] = 0;
}
