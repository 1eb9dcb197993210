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
