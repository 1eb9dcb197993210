export { ClipAction, RescaleAction } from './actions.ts';
export { type EpisodeRecord, EpisodeStatistics } from './episode-statistics.ts';
export { FlattenObservation } from './flatten-observation.ts';
export { FrameStack } from './frame-stack.ts';
export { NormalizeObservation, type NormalizeOptions, NormalizeReward, type RewardMomentsState } from './normalize.ts';
export { RecordEpisodes, type RecordEpisodesOptions } from './record-episodes.ts';
export { type MomentsState, RunningMoments } from './running-moments.ts';
export { TimeLimit } from './time-limit.ts';
export { EnvWrapper, unwrapped } from './wrapper.ts';
