/** Some rows of a matrix [n·width], in the order asked for; a row may come more than once. */
export function takeRows<A extends Float32Array | Int32Array>(values: A, rows: ArrayLike<number>, width: number): A {
  const out = new (values.constructor as new (length: number) => A)(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    out.set(values.subarray(row * width, (row + 1) * width), i * width);
  }
  return out;
}
