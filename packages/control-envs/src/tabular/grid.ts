/** Moves on a grid whose edges hold. */

/** [row, column] steps; the order is the task's. */
export type Moves = readonly (readonly [down: number, right: number])[];

/** The cell after a move, counted row by row. */
export function moved(cell: number, [down, right]: readonly [number, number], rows: number, columns: number): number {
  const row = Math.min(Math.max(Math.floor(cell / columns) + down, 0), rows - 1);
  const column = Math.min(Math.max((cell % columns) + right, 0), columns - 1);
  return row * columns + column;
}

/** The move and its two neighbours in the order: where a slippery floor may lead. */
export const slips = (action: number): readonly [number, number, number] => [
  (action + 3) % 4,
  action,
  (action + 1) % 4,
];

/** of the cells of a grid, in pictures */
export const colors = {
  plain: [0.82, 0.8, 0.74],
  ice: [0.72, 0.85, 0.93],
  pit: [0.2, 0.22, 0.28],
  goal: [0.35, 0.68, 0.4],
} as const;
