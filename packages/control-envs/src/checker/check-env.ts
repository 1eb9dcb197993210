/**
 * Runs an environment through the contract and says what breaks it, and why that matters. It resets and steps the
 * environment, and leaves it open.
 */
import {
  type Action,
  actionChoices,
  actionMaskFault,
  ConfigError,
  type Env,
  type EnvStep,
  type Info,
  rng,
} from '@gimbal/tensor-core';
import { cloneObs, equalObs, fault } from '../spaces/value.ts';
import { hasState } from '../wrappers/wrapper.ts';
import { drawAllowed } from './allowed.ts';

/** One way in which an environment breaks the contract. */
export interface EnvProblem {
  /** what the environment does */
  what: string;
  /** why it matters and what to do */
  fix: string;
}

/** How long and from which seed `checkEnv` runs. */
export interface CheckOptions {
  /** random steps; default 200 */
  steps?: number;
  /** default 0 */
  seed?: number;
}

/**
 * Checks an environment. Of the actions it draws those that `info.actionMask` allows, where it is given.
 * @returns the problems; none for a sound environment
 * @example const problems = checkEnv(new MyEnv()); // [{ what: 'obs of reset: [2] is NaN…', fix: '…' }]
 */
export function checkEnv(env: Env, { steps = 200, seed = 0 }: CheckOptions = {}): EnvProblem[] {
  const problems: EnvProblem[] = [];
  const say = (what: string, fix: string): void => {
    if (!problems.some((p) => kindOf(p.what) === kindOf(what))) problems.push({ what, fix });
  };
  if (!checkParts(env, say)) return problems;
  const parts = {
    spec: () => checkSpec(env, say),
    reset: () => checkReset(env, seed, say),
    step: () => checkEpisodes(env, steps, seed, say),
    'an episode again': () => checkRepeats(env, Math.min(steps, 50), seed, say),
    'getState and setState': () => checkState(env, seed, say),
    'bad actions': () => checkBadActions(env, seed, say),
  };
  for (const [name, check] of Object.entries(parts)) {
    try {
      check();
    } catch (error) {
      say(
        `checking ${name} throws: ${error instanceof Error ? error.message : error}`,
        'Mend that, or a problem above that leads to it',
      );
    }
  }
  return problems;
}

/** What is wrong without the number that shows it: a bound that every step breaks is one problem. */
const kindOf = (what: string): string => what.replace(/ is -?\d[\d.e+-]*/g, ' is');

/**
 * Throws where `checkEnv` finds something.
 * @throws ConfigError that lists all problems
 */
export function assertEnv(env: Env, options?: CheckOptions): void {
  const problems = checkEnv(env, options);
  if (problems.length === 0) return;
  const list = problems.map(({ what, fix }) => `\n- ${what}. ${fix}.`).join('');
  throw new ConfigError({ where: `checkEnv ${env?.spec?.id}`, what: `${problems.length} problems:${list}` });
}

type Say = (what: string, fix: string) => void;

/** @returns false where so much is missing that nothing can be run */
function checkParts(env: Env, say: Say): boolean {
  if (typeof env !== 'object' || env === null) {
    say(`the environment is ${String(env)}`, 'Give what makeEnv returned, awaited, or an object of your own');
    return false;
  }
  const ways = { observationSpace: 'box, dict, …: what observations are', actionSpace: 'box, discrete, …' };
  for (const [name, fix] of Object.entries(ways)) {
    if (typeof env[name as keyof typeof ways]?.kind !== 'string') say(`${name} is missing`, `Give one: ${fix}`);
  }
  const calls = { reset: '{ obs, info }', step: '{ obs, reward, terminated, truncated, info }', close: 'nothing' };
  for (const [name, returned] of Object.entries(calls)) {
    if (typeof env[name as keyof typeof calls] !== 'function') say(`${name}() is missing`, `It returns ${returned}`);
  }
  return !['observationSpace', 'actionSpace', 'reset', 'step'].some((name) => env[name as keyof Env] === undefined);
}

function checkSpec(env: Env, say: Say): void {
  const { spec } = env;
  if (typeof spec?.id !== 'string' || spec.id === '') say('spec.id is missing', 'Messages and recordings name it');
  if (!(spec?.maxSteps > 0)) {
    say(`spec.maxSteps is ${spec?.maxSteps}`, 'Give the step that truncates, or Infinity for no time limit');
  }
  if (!(spec?.dtSeconds > 0)) {
    say(`spec.dtSeconds is ${spec?.dtSeconds}`, 'Give the seconds between two steps (1 if time means nothing)');
  }
  const { actionSpace } = env;
  if (actionSpace.kind === 'dict' || actionSpace.kind === 'tuple') {
    say(`actionSpace is a ${actionSpace.kind}`, 'Actions are numbers or vectors: use a Box or MultiDiscrete');
  }
  const flat =
    actionSpace.kind === 'box' && actionSpace.low.some((l, i) => l === actionSpace.high[i] && Number.isFinite(l));
  if (flat) say('an element of actionSpace has low = high', 'An action that cannot vary is no action: leave it out');
}

function checkReset(env: Env, seed: number, say: Say): void {
  const first = env.reset({ seed });
  const wrong = fault(env.observationSpace, first.obs);
  if (wrong !== undefined) say(`obs of reset: ${wrong}`, 'Return what observationSpace promises, or widen its bounds');
  if (typeof first.info !== 'object' || first.info === null) say('reset returns no info object', 'Return info: {}');
  checkMask(env, first.info, false, say);
  const kept = cloneObs(first.obs);
  const second = env.reset({ seed });
  if (!equalObs(kept, second.obs)) {
    say(
      `reset({ seed: ${seed} }) twice gives different observations`,
      'Draw every random number from a stream of the seed, and reset all that an episode changes',
    );
  }
  if (!equalObs(first.obs, kept)) {
    say('reset changes the observation it returned before', 'Return a copy: callers keep observations');
  }
}

function checkEpisodes(env: Env, steps: number, seed: number, say: Say): void {
  const stream = rng(seed).split('check-env');
  let { obs: kept, info } = env.reset({ seed });
  let copy = cloneObs(kept);
  let elapsed = 0;
  for (let t = 0; t < steps; t++) {
    const action = drawAllowed(env, infoOf(info), stream);
    const before = typeof action === 'number' ? action : action.slice();
    const result = env.step(action);
    elapsed++;
    checkStep(env, result, say);
    if (typeof action !== 'number' && action.some((a, i) => a !== (before as Float32Array)[i])) {
      say('step changes the action it is given', 'Copy it before clipping: replay buffers store what was sampled');
    }
    if (!equalObs(kept, copy)) {
      say('step changes the observation it returned before', 'Return a copy: callers keep observations');
    }
    // an end of its own on the last step needs no truncation
    if (elapsed >= env.spec.maxSteps && !result.truncated && !result.terminated) {
      say(`truncated is false at spec.maxSteps = ${env.spec.maxSteps}`, 'Truncate there, or wrap in TimeLimit');
    }
    ({ obs: kept, info } = result);
    if (result.terminated || result.truncated) {
      checkAfterEnd(env, action, say);
      ({ obs: kept, info } = env.reset());
      elapsed = 0;
    }
    copy = cloneObs(kept);
  }
}

function checkStep(env: Env, { obs, reward, terminated, truncated, info }: EnvStep, say: Say): void {
  const wrong = fault(env.observationSpace, obs);
  if (wrong !== undefined) say(`obs of step: ${wrong}`, 'Return what observationSpace promises, or widen its bounds');
  if (!Number.isFinite(reward)) say(`reward is ${String(reward)}`, 'One NaN spoils every weight: find the division');
  for (const [name, flag] of Object.entries({ terminated, truncated })) {
    if (typeof flag !== 'boolean') {
      say(`${name} is ${String(flag)}`, 'terminated = the task ended, truncated = time ran out; both are booleans');
    }
  }
  if (typeof info !== 'object' || info === null) say('step returns no info object', 'Return info: {}');
  checkMask(env, info, terminated || truncated, say);
}

/** @param ended nothing is chosen after the end: all may be masked */
function checkMask(env: Env, info: Info, ended: boolean, say: Say): void {
  const { actionMask, action_mask: other } = infoOf(info);
  if (actionMask === undefined && other !== undefined) {
    const fix = 'Name it actionMask: under another name nobody reads it';
    say('the info has its mask as Gymnasium names it; got "info.action_mask"', fix);
  }
  if (actionMask === undefined) return;
  const choices = actionChoices(env.actionSpace);
  const wrong = actionMaskFault(actionMask, choices, () => 'info.actionMask', { mayBeEmpty: ended });
  if (wrong === undefined) return;
  const fix = 'Give 1 for each choice that is allowed and 0 for the others, or leave it out where all are';
  const { where, what, got, wanted } = wrong;
  say(new ConfigError({ where, what, got, wanted }).message, fix);
}

/** What is no info object has its own problem. */
const infoOf = (info: Info): Info => (typeof info === 'object' && info !== null ? info : {});

function checkAfterEnd(env: Env, action: Action, say: Say): void {
  if (throws(() => env.step(action))) return;
  say('step after the end of an episode goes on', 'Throw: a forgotten reset must not become training data');
}

function checkRepeats(env: Env, steps: number, seed: number, say: Say): void {
  const run = (): EnvStep[] => {
    const stream = rng(seed).split('check-repeats');
    let { info } = env.reset({ seed });
    const results: EnvStep[] = [];
    for (let t = 0; t < steps; t++) {
      const result = env.step(drawAllowed(env, infoOf(info), stream));
      results.push(result);
      info = result.info;
      if (result.terminated || result.truncated) break;
    }
    return results;
  };
  const [one, two] = [run(), run()];
  const same = one.every((a, t) => {
    const b = two[t];
    return b !== undefined && equalObs(a.obs, b.obs) && a.reward === b.reward && a.terminated === b.terminated;
  });
  if (!same || one.length !== two.length) {
    say('the same seed and actions give another episode', 'Reset all state: warm starts, counters, cached forces');
  }
}

function checkState(env: Env, seed: number, say: Say): void {
  if (!hasState(env) || env.getState === undefined || env.setState === undefined) return;
  const stream = rng(seed).split('check-state');
  const begun = env.reset({ seed });
  const first = env.step(drawAllowed(env, infoOf(begun.info), stream));
  if (first.terminated || first.truncated) return;
  const action = drawAllowed(env, infoOf(first.info), stream);
  const fix = 'Save and restore everything that a step reads: clocks, warm starts, targets';
  const state = env.getState();
  const snapshot = env.snapshot?.();
  const onward = env.step(action);
  env.setState(state);
  if (!equalState(env.getState(), state)) say('setState(getState()) changes the state', fix);
  if (snapshot === undefined || env.restore === undefined) return;
  // a snapshot has the random stream too, so the step after it must repeat
  env.restore(snapshot);
  const again = env.step(action);
  if (!equalObs(again.obs, onward.obs) || again.reward !== onward.reward) {
    say('the step after restore(snapshot()) differs', fix);
  }
}

const equalState = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((x, i) => Object.is(x, b[i]));

function checkBadActions(env: Env, seed: number, say: Say): void {
  const { actionSpace } = env;
  if (actionSpace.kind !== 'box' && actionSpace.kind !== 'discrete') return;
  env.reset({ seed });
  const bad: [string, Action][] = [];
  if (actionSpace.kind === 'discrete')
    bad.push(['an action beyond the space', actionSpace.n + (actionSpace.start ?? 0)]);
  else {
    const size = actionSpace.low.length;
    bad.push(['an action with a NaN', new Float32Array(size).fill(Number.NaN)]);
    bad.push(['an action of wrong length', new Float32Array(size + 1)]);
  }
  for (const [name, action] of bad) {
    if (!throws(() => env.step(action)))
      say(`step accepts ${name}`, 'Throw and name the element: it is a bug upstream');
  }
}

function throws(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true; // any error does: the checker asks whether the call was refused
  }
}
