/**
 * Preferences by the names of the command line:
 *
 *   a folder           a preference model, or a reward model: P(a ≻ b) = σ(r(a) − r(b))
 *   world:newsroom     the newsroom's annotators, whose taste in styles runs in a circle
 *   https://host/path  a server's answer to { prompts, a, b }: a judge that is too large for this machine
 *   ./file.mjs         a function of yours: (prompts, a, b, rows) => P(a ≻ b) of each row
 */
import { ConfigError, disposeTree, type GimbalError, type PreferenceFn } from '@gimbal/tensor-core';
import { type Chats, rendered } from '../rl/chat-prompts.ts';
import { modelPath } from '../run/model-path.ts';
import { isModule, ownFunction } from '../run/own-function.ts';
import { preferenceForms } from './preference-forms.ts';

/** A preference, and what it holds in memory. */
export interface OpenPreference {
  fn: PreferenceFn;
  dispose(): void;
}

const nothing = { dispose(): void {} };

/** @throws ConfigError for what is no preference, CheckpointError for a folder that holds no model of one */
export async function openPreference(
  text: string,
  where: string,
  o: { world?: object | undefined; chats?: Chats | undefined } = {},
): Promise<OpenPreference> {
  if (text === 'world:newsroom') {
    const { newsroom } = await import('@gimbal/worlds');
    return { fn: newsroom(o.world).preference(), ...nothing };
  }
  // before the path of a module: a server's may end in .js
  if (/^https?:\/\//.test(text))
    return { fn: (await import('@gimbal/reward-models')).remotePreference(text), ...nothing };
  if (isModule(text)) {
    const wanted = 'export default (prompts, a, b, rows) => a.map((text, i) => probability)';
    return { fn: await ownFunction<PreferenceFn>(text, where, wanted), ...nothing };
  }
  if (text.includes(':'))
    throw new ConfigError({ where, what: 'no such preference', got: text, wanted: preferenceForms });
  return modelOf(text, where, o.chats);
}

async function modelOf(folder: string, where: string, chats: Chats | undefined): Promise<OpenPreference> {
  const { loadReward, preferenceFn, preferenceFromReward, rewardFn } = await import('@gimbal/reward-models');
  const { model, params, tokenizer, notes } = await loadReward(await modelPath(folder, where));
  const dispose = (): void => disposeTree(params);
  if (!tokenizer) {
    dispose();
    throw new ConfigError({ where, what: 'the model has no tokenizer', got: folder, wanted: 'tokenizer.json' });
  }
  const { temperature, templated } = notes;
  const more = { ...(temperature !== undefined && { temperature }), ...(templated !== undefined && { templated }) };
  const fn =
    model.kind === 'pairwise'
      ? preferenceFn(model, params, tokenizer, more)
      : preferenceFromReward(rewardFn(model, params, tokenizer, templated === undefined ? {} : { templated }), more);
  if (chats === undefined || templated !== true) return { fn, dispose };
  // it was trained on conversations: it reads them as its own template writes them
  const asked = (prompts: readonly string[]): string[] => prompts.map((p) => rendered(tokenizer, chats, p));
  return { fn: (prompts, a, b, rows) => fn(asked(prompts), a, b, rows), dispose };
}

/** Whether it is the judge who failed, a function that threw or a server without an answer, and not the data that are wrong. */
export function isJudgesFailure(error: unknown, preference: string | undefined): error is GimbalError {
  const { code, where, cause } = error as Partial<GimbalError>;
  return code === 'ERR_DATA' && (where === preference || (where === 'preference' && cause !== undefined));
}
