// The language that the claims are about, its sentences to train on, and those held out to measure on.
import { rng } from '@gimbal/tensor-core';
import type { MeasuredRow } from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { languageRows } from '../../../vec2text/oracles.ts';

/** The typed variant. */
export const world = toyLanguages({ preset: 'typed' });

/** Sentences of more than twelve words; agents and verbs that never come together. */
export type Unseen = 'length' | 'topic';

/** Whether a sentence is of a kind that training had none of. */
export function isUnseen(kind: Unseen, text: string): boolean {
  if (kind === 'length') return text.split(' ').length > 12;
  const meaning = world.aish.sem(text);
  return meaning !== undefined && (meaning.agent + meaning.verb) % 4 === 0;
}

const [trainingRows, heldOut] = [50_000, 1000];

/** Sentences of a seed to train on; none means what a held-out one does, and with `without` none is of that kind. */
export function trainingTexts(seed: number, variant: 'typed' | 'reversible' = 'typed', without?: Unseen): string[] {
  const stream = rng(seed).split('data').split('train');
  const { aish } = toyLanguages({ preset: variant });
  const except = heldOutRows(seed, variant).map(({ text }) => text);
  const texts: string[] = [];
  while (texts.length < trainingRows) {
    const more = aish.sentences(trainingRows - texts.length, stream, { except });
    texts.push(...(without === undefined ? more : more.filter((text) => !isUnseen(without, text))));
  }
  return texts;
}

/** Sentences to measure on, each with a paraphrase and an edit. */
export const heldOutRows = (seed: number, variant: 'typed' | 'reversible' = 'typed'): MeasuredRow[] =>
  languageRows(variant, heldOut, rng(seed).split('data').split('held out'));
