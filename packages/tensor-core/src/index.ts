/** @module @gimbal/tensor-core */

import './training/run-storage.node.ts';

export {
  type TensorFlowBuild,
  type TensorFlowInstall,
  type TensorFlowStamp,
  tensorflowInstalls,
  userCache,
} from './backend/tensorflow/install.node.ts';
export { backendReport, useBackend } from './backend/use-backend.node.ts';
export { bestOf, type ListedCheckpoint, listCheckpoints } from './checkpoint/keep.node.ts';
export { latestCheckpoint, loadCheckpoint } from './checkpoint/load.node.ts';
export { type SaveOptions, saveCheckpoint, writeCheckpoint } from './checkpoint/save.node.ts';
export * from './everywhere.ts';
export { removeLeftovers, writeDirectoryAtomic, writeFileAtomic, writeFileDurable } from './io/atomic.node.ts';
export { type FileSystem, nodeFileSystem, type WritableFile } from './io/file-system.node.ts';
export { type LockHolder, takeLock } from './io/lock.node.ts';
export { makeFolder } from './io/make-folder.node.ts';
export { fileSource } from './safetensors/file-source.node.ts';
export {
  type ShardOptions,
  type WriteOptions,
  writeSafetensors,
  writeShardedSafetensors,
} from './safetensors/write.node.ts';
export { MetricsLog, type MetricsRow, readMetrics } from './training/metrics-log.node.ts';
export { EventFile } from './training/tensorboard/event-file.node.ts';
export { type MergeOptions, type MergeRecipe, type MergeReport, mergeFiles } from './weights/merge-files.node.ts';
