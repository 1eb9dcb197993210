// Searches that claims share: against the average of six members and against each of them, once for each seed and noise.
import type { Params } from '@gimbal/tensor-core';
import { accuracy, average, margins, membersOf, pairsOf } from './experiment.ts';
import { type SearchStep, search } from './policy-search.ts';

export interface Searches {
  readonly warm: readonly SearchStep[];
  /** one for each member */
  readonly singles: readonly (readonly SearchStep[])[];
  /** index of the member that is the best on the selection pairs */
  readonly chosen: number;
}

const alpha = 0.003;
const made = new Map<string, Promise<Searches>>();

/** Seven searches. */
export function searchesOf(seed: number, swap: number, signal: AbortSignal): Promise<Searches> {
  const key = `${seed} ${swap}`;
  const known = made.get(key);
  if (known) return known;
  const fresh = searchAll(seed, swap, signal);
  fresh.catch(() => made.delete(key)); // stopped: made anew when asked again
  made.set(key, fresh);
  return fresh;
}

async function searchAll(seed: number, swap: number, signal: AbortSignal): Promise<Searches> {
  const members = await membersOf(seed, { config: 'S', swap }, signal);
  const { selection } = pairsOf(seed, swap);
  const ranks = members.map((m) => accuracy(margins(m, selection)));
  const against = (params: Params): Promise<SearchStep[]> => search(params, seed, alpha, signal);
  const warm = await against(average(members));
  const singles: SearchStep[][] = [];
  for (const member of members) singles.push(await against(member));
  return { warm, singles, chosen: ranks.indexOf(Math.max(...ranks)) };
}
