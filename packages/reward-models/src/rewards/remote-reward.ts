// A reward that another process gives: see `askServer`.
import { DataError, type RewardFn } from '@gimbal/tensor-core';
import type { EntailmentJudge } from '../entailment/judge.ts';
import { type Answers, askServer, type RemoteOptions } from './ask-server.ts';

const rewards: Answers = {
  name: 'rewards',
  bad: 'a reward is no number',
  each: 'numbers or null',
  is: (x) => x === null || (typeof x === 'number' && Number.isFinite(x)),
  where: 'remoteReward',
};

/**
 * Scores by a server: each request is a POST of JSON `{ prompts, completions, rows? }`, its answer `{ rewards }`, a number or
 * null for each. A prompt with its completion is asked for once while it is remembered; so `rows` are sent, but do not tell
 * two questions apart.
 * @param url http or https
 * @returns throws DataError for an answer that is none, and, with the last failure as its cause, when all tries have failed
 * @throws ConfigError for another address or options out of range
 */
export function remoteReward(url: string, o: RemoteOptions = {}): RewardFn {
  const ask = askServer(url, o, rewards);
  return (prompts, completions, rows) => ask({ prompts, completions }, rows);
}

/**
 * A judge of entailment behind a server, whose rewards are log P(the prompt entails the completion), each at most 0.
 * @throws as `remoteReward`
 */
export function remoteJudge(url: string, o: RemoteOptions = {}): EntailmentJudge {
  const ask = askServer(url, o, rewards);
  return {
    name: url,
    async logProb(premises, hypotheses, { signal } = {}) {
      const found = await ask({ prompts: premises, completions: hypotheses }, undefined, signal);
      const bad = found.findIndex((p) => p === null || !(p <= 0));
      if (bad < 0) return Float32Array.from(found as number[]);
      const wanted = 'a logarithm of a probability, at most 0';
      throw new DataError({ where: `judge ${url}, row ${bad}`, what: 'out of range', got: found[bad], wanted });
    },
  };
}
