/** @module @gimbal/tensor-core */
import './register-gradients.ts';

export type { BackendInfo, BackendName, BackendOptions, BackendReport, PassedOver } from './backend/backend-info.ts';
export { backendReport, useBackend } from './backend/use-backend.node.ts';
export {
  BackendError,
  CheckpointError,
  ConfigError,
  DataError,
  type ErrorCode,
  type ErrorDetails,
  GimbalError,
  NumericalError,
  nearest,
  ShapeError,
  StoppedError,
} from './errors.ts';
export { type Rng, type RngState, rng, rngFromState } from './random/rng.ts';
export { cloneTree, disposeTree, keepTree, treeBytes, treeSize, variables } from './tree/memory.ts';
export {
  flatten,
  isTensor,
  type LeafTree,
  mapTree,
  type Params,
  type TreeOf,
  unflatten,
  zipTree,
} from './tree/params.ts';
export {
  filterTree,
  type LeafPredicate,
  matchPaths,
  mergeTrees,
  partitionTree,
  trainableMask,
} from './tree/select.ts';
