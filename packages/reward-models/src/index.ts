/** @module @gimbal/reward-models */

export * from './everywhere.ts';
export {
  type AskedReward,
  type LoadedReward,
  loadReward,
  saveReward,
} from './pretrained/reward-folder.node.ts';
export { type RewardNotes, readRewardNotes } from './pretrained/reward-notes.node.ts';
export { averageFolders } from './warm/average-folders.node.ts';
export { type MergeFoldersOptions, mergeFolders } from './warm/merge-folders.node.ts';
export { sameWeights } from './warm/same-weights.node.ts';
export { type MemberFolder, readWarmRecord, type WarmRecord } from './warm/warm-record.node.ts';
export { type WarmStep, WarmTrainer } from './warm/warm-trainer.node.ts';
