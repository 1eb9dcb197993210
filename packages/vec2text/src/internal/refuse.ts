// Errors of this package: the house's classes, with the reason that a program can switch on.
import {
  CheckpointError,
  ConfigError,
  DataError,
  type ErrorDetails,
  type GimbalError,
  NumericalError,
  ShapeError,
} from '@gimbal/tensor-core';

const classes = {
  OUT_OF_SPACE: DataError,
  SHAPE: ShapeError,
  NOT_FINITE: NumericalError,
  DEGENERATE: NumericalError,
  EMPTY_TEXT: DataError,
  TOO_LONG: DataError,
  UNKNOWN_TOKEN: DataError,
  ROUND_TRIP: DataError,
  NO_DATA: DataError,
  NO_STATS: ConfigError,
  UNBOUNDED: ConfigError,
  TOO_FEW: DataError,
  EMBEDDER_MISMATCH: ConfigError,
  CHECKPOINT: CheckpointError,
  CONFIG: ConfigError,
} as const;

/** Why an input was refused. */
export type Vec2TextReason = keyof typeof classes;

/** An error with its reason; `code` tells the class, as everywhere. */
export type Vec2TextError = GimbalError & { readonly reason: Vec2TextReason };

/** The error to throw. */
export const refusal = (reason: Vec2TextReason, details: ErrorDetails): Vec2TextError =>
  Object.assign(new classes[reason](details), { reason });
