/** Rows of V logits that are there at a time unless told otherwise: 16 million numbers. */
export const defaultRowsPerChunk = (V: number): number => Math.max(1, Math.floor(2 ** 24 / Math.max(1, V)));
