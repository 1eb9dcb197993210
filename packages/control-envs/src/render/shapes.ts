/**
 * Where a ray meets a shape, in the shape's own frame: the ray is `o + t d`, `t` the depth along the camera's axis.
 * Each function returns the nearest t in front of the camera, or Infinity, and leaves the surface's outward normal
 * (not of unit length) in `hit`. No allocation.
 */

/** Normal of the last hit. */
export const hit = { x: 0, y: 0, z: 0 };

const none = Number.POSITIVE_INFINITY;
const near = 0.01;

type Ray = (ox: number, oy: number, oz: number, dx: number, dy: number, dz: number) => number;

export const sphereRay =
  (radius: number): Ray =>
  (ox, oy, oz, dx, dy, dz) => {
    const a = dx * dx + dy * dy + dz * dz;
    const b = ox * dx + oy * dy + oz * dz;
    const c = ox * ox + oy * oy + oz * oz - radius * radius;
    const disc = b * b - a * c;
    if (disc < 0) return none;
    const t = (-b - Math.sqrt(disc)) / a;
    if (t < near) return none;
    hit.x = ox + t * dx;
    hit.y = oy + t * dy;
    hit.z = oz + t * dz;
    return t;
  };

/** Along z, `half` to either side of the centre, with round ends. */
export function capsuleRay(radius: number, half: number): Ray {
  const r2 = radius * radius;
  return (ox, oy, oz, dx, dy, dz) => {
    // the side: x² + y² = r²
    const a = dx * dx + dy * dy;
    const b = ox * dx + oy * dy;
    const c = ox * ox + oy * oy - r2;
    let z = oz;
    if (a > 1e-12) {
      const disc = b * b - a * c;
      if (disc < 0) return none;
      const t = (-b - Math.sqrt(disc)) / a;
      z = oz + t * dz;
      if (z >= -half && z <= half) {
        if (t < near) return none;
        hit.x = ox + t * dx;
        hit.y = oy + t * dy;
        hit.z = 0;
        return t;
      }
    } else z = -dz;
    // the end that the side's hit lies beyond
    const end = z < 0 ? -half : half;
    const ez = oz - end;
    const a2 = a + dz * dz;
    const b2 = b + ez * dz;
    const disc2 = b2 * b2 - a2 * (c + ez * ez);
    if (disc2 < 0) return none;
    const t = (-b2 - Math.sqrt(disc2)) / a2;
    if (t < near) return none;
    hit.x = ox + t * dx;
    hit.y = oy + t * dy;
    hit.z = ez + t * dz;
    return t;
  };
}

/** Along z, flat ends. */
export function cylinderRay(radius: number, half: number): Ray {
  const r2 = radius * radius;
  return (ox, oy, oz, dx, dy, dz) => {
    const a = dx * dx + dy * dy;
    const b = ox * dx + oy * dy;
    const c = ox * ox + oy * oy - r2;
    if (a > 1e-12) {
      const disc = b * b - a * c;
      if (disc < 0) return none;
      const t = (-b - Math.sqrt(disc)) / a;
      const z = oz + t * dz;
      if (t >= near && z >= -half && z <= half) {
        hit.x = ox + t * dx;
        hit.y = oy + t * dy;
        hit.z = 0;
        return t;
      }
    }
    if (dz === 0) return none;
    const end = dz > 0 ? -half : half; // the end that faces the ray
    const t = (end - oz) / dz;
    const [x, y] = [ox + t * dx, oy + t * dy];
    if (t < near || x * x + y * y > r2) return none;
    hit.x = 0;
    hit.y = 0;
    hit.z = end;
    return t;
  };
}

export const boxRay =
  (hx: number, hy: number, hz: number): Ray =>
  (ox, oy, oz, dx, dy, dz) => {
    // slabs: the last one entered is the face that is hit
    const tx = (-Math.sign(dx || 1) * hx - ox) / dx;
    const ty = (-Math.sign(dy || 1) * hy - oy) / dy;
    const tz = (-Math.sign(dz || 1) * hz - oz) / dz;
    const eps = 1e-9;
    if (tx >= near && Math.abs(oy + tx * dy) <= hy + eps && Math.abs(oz + tx * dz) <= hz + eps) {
      hit.x = -Math.sign(dx);
      hit.y = 0;
      hit.z = 0;
      return tx;
    }
    if (ty >= near && Math.abs(ox + ty * dx) <= hx + eps && Math.abs(oz + ty * dz) <= hz + eps) {
      hit.x = 0;
      hit.y = -Math.sign(dy);
      hit.z = 0;
      return ty;
    }
    if (tz >= near && Math.abs(ox + tz * dx) <= hx + eps && Math.abs(oy + tz * dy) <= hy + eps) {
      hit.x = 0;
      hit.y = 0;
      hit.z = -Math.sign(dz);
      return tz;
    }
    return none;
  };

/** A sphere in stretched space. */
export function ellipsoidRay(rx: number, ry: number, rz: number): Ray {
  const unit = sphereRay(1);
  return (ox, oy, oz, dx, dy, dz) => {
    const t = unit(ox / rx, oy / ry, oz / rz, dx / rx, dy / ry, dz / rz);
    if (t === none) return none;
    hit.x /= rx;
    hit.y /= ry;
    hit.z /= rz;
    return t;
  };
}
