/** @module @gimbal/tensor-core */
import './register-gradients.ts';

export type { BackendInfo, BackendName, BackendOptions, BackendReport, PassedOver } from './backend/backend-info.ts';
export { backendReport, useBackend } from './backend/use-backend.browser.ts';
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
