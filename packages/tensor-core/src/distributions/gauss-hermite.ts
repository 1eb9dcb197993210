// Gauss–Hermite quadrature: ∫ e^(−x²) f(x) dx ≈ Σ wᵢ f(xᵢ), exact for polynomials up to degree 2n − 1.

export interface QuadraturePoint {
  node: number;
  weight: number;
}

const known = new Map<number, QuadraturePoint[]>();

/** The n points, by Newton's method on the orthonormal Hermite recurrence. */
export function gaussHermite(n: number): readonly QuadraturePoint[] {
  let points = known.get(n);
  if (points === undefined) {
    points = roots(n).map((node) => {
      const { lower } = hermite(n, node);
      return { node, weight: 1 / (n * lower * lower) };
    });
    known.set(n, points);
  }
  return points;
}

/** h̃ₙ(x) and h̃ₙ₋₁(x), orthonormal under e^(−x²): no overflow. */
function hermite(n: number, x: number): { value: number; lower: number } {
  let [lower, value] = [0, Math.PI ** -0.25];
  for (let k = 0; k < n; k++) {
    [lower, value] = [value, x * Math.sqrt(2 / (k + 1)) * value - Math.sqrt(k / (k + 1)) * lower];
  }
  return { value, lower };
}

function roots(n: number): number[] {
  // sign changes on a fine grid, then Newton: h̃ₙ′ = √(2n) h̃ₙ₋₁
  const out: number[] = [];
  const edge = Math.sqrt(2 * n + 1);
  const step = edge / (20 * n);
  for (let x = -edge; x < edge; x += step) {
    if (hermite(n, x).value * hermite(n, x + step).value > 0) continue;
    let root = x + step / 2;
    for (let i = 0; i < 20; i++) {
      const { value, lower } = hermite(n, root);
      root -= value / (Math.sqrt(2 * n) * lower);
    }
    out.push(root);
  }
  return out;
}
