// Self-BLEU (Zhu et al. 2018, arXiv 1802.01886): how much texts that should differ are like each other.
import { DataError } from '@gimbal/tensor-core';
import { bleuOf, longest, tokenize13a } from './bleu.ts';
import { countNgrams } from './ngrams.ts';
import { trimEnd } from './white-space.ts';

/** Of some texts, 0 to 100; low where they differ. */
export interface SelfBleu {
  /** BLEU of each text with all others as its references, as `sentenceBleu` has it; self-BLEU is their mean. */
  readonly each: readonly number[];
  /** Self-BLEU where one text is left out, as a prediction and as a reference: what a jackknife needs. None of fewer than three texts. */
  readonly without: readonly number[];
}

/** A text and how often it has a run of tokens. */
interface Held {
  readonly text: number;
  readonly count: number;
}

/**
 * Self-BLEU. Every run of tokens is counted once, so that leaving each text out costs no more than the scores themselves.
 * @param texts that are compared with each other
 * @throws DataError for fewer than two
 * @example
 * const { each } = selfBleu(['the cat sat', 'the cat sat', 'a dog ran']);
 * each.reduce((sum, x) => sum + x, 0) / each.length; // 66.7
 */
export function selfBleu(texts: readonly string[]): SelfBleu {
  const n = texts.length;
  if (n < 2) throw new DataError({ where: 'selfBleu', what: 'too few texts', got: n, wanted: '2 or more' });
  const lists = texts.map((text) => tokenize13a(trimEnd(text)));
  const orders = Array.from({ length: longest }, (_, order) => {
    const counts = lists.map((list) => countNgrams(list, order + 1));
    return { counts, most: mostOf(counts) };
  });
  const each: number[] = [];
  const change = new Float64Array(n); // of all scores together, where a text is no reference
  lists.forEach((list, text) => {
    const [hits, totals]: [number[], number[]] = [[], []];
    const lost = new Map<number, number[]>(); // hits that only one other text gives, by that text and order
    orders.forEach(({ counts, most }, order) => {
      let [hit, all] = [0, 0];
      for (const [key, count] of counts[text] as Map<string, number>) {
        const [first, second] = (most.get(key) as Held[]).filter((held) => held.text !== text);
        const found = Math.min(count, first?.count ?? 0);
        hit += found;
        all += count;
        const less = found - Math.min(count, second?.count ?? 0);
        if (first === undefined || less === 0) continue;
        const own = lost.get(first.text) ?? new Array<number>(longest).fill(0);
        own[order] = (own[order] as number) + less;
        lost.set(first.text, own);
      }
      hits.push(hit);
      totals.push(all);
    });
    const [nearest, next] = closest(lists, text);
    const score = (found: number[], wanted: number): number =>
      bleuOf([{ hits: found, totals, predicted: list.length, wanted }], true);
    const whole = score(hits, (lists[nearest] as string[]).length);
    each.push(whole);
    if (next === undefined) return;
    for (const other of new Set([...lost.keys(), nearest])) {
      const left = hits.map((hit, order) => hit - (lost.get(other)?.[order] ?? 0));
      const wanted = (lists[other === nearest ? next : nearest] as string[]).length;
      change[other] = (change[other] as number) + score(left, wanted) - whole;
    }
  });
  const sum = each.reduce((all, x) => all + x, 0);
  return { each, without: n < 3 ? [] : each.map((own, i) => (sum - own + (change[i] as number)) / (n - 1)) };
}

/** Of every run of tokens the three texts that have it most often: one may be asked about, and one be left out. */
function mostOf(counts: readonly ReadonlyMap<string, number>[]): Map<string, Held[]> {
  const most = new Map<string, Held[]>();
  counts.forEach((own, text) => {
    for (const [key, count] of own) {
      const best = most.get(key) ?? [];
      const at = best.findIndex((held) => held.count < count);
      best.splice(at < 0 ? best.length : at, 0, { text, count });
      most.set(key, best.slice(0, 3));
    }
  });
  return most;
}

/** The two other texts whose lengths are the closest, of two as close the shorter, as BLEU takes its reference's length. */
function closest(lists: readonly (readonly string[])[], text: number): [nearest: number, next: number | undefined] {
  const own = (lists[text] as readonly string[]).length;
  const length = (i: number): number => (lists[i] as readonly string[]).length;
  const nearer = (a: number, b: number | undefined): boolean => {
    if (b === undefined) return true;
    const apart = Math.abs(length(a) - own) - Math.abs(length(b) - own);
    return apart < 0 || (apart === 0 && length(a) < length(b));
  };
  let [nearest, next]: [number | undefined, number | undefined] = [undefined, undefined];
  for (const i of lists.keys()) {
    if (i === text) continue;
    if (nearer(i, nearest)) [nearest, next] = [i, nearest];
    else if (nearer(i, next)) next = i;
  }
  return [nearest as number, next];
}
