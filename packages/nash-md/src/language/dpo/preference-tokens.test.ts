// Which rows become pairs: what is left out, what is cut, and what is said where nothing is left.
import { dataset, trainTokenizer } from '@gimbal/language-models';
import { type PreferenceTokensOptions, preferenceTokens, type TokenPairs } from '../../index.ts';

const tokenizer = trainTokenizer(['what is it: even odd evens odds']);
const row = (chosen: string, rejected: string, more = {}) => ({ prompt: 'what is', chosen, rejected, ...more });
const of = (rows: readonly object[], o: PreferenceTokensOptions = { limit: 100 }): TokenPairs =>
  preferenceTokens(dataset(rows as never), tokenizer, o);

test('both completions are ended, a label is kept, true is 1', () => {
  const { pairs, overflow, equal } = of([row('even', 'odd'), row('odd', 'even', { label: 0.3 })]);
  const [first, second] = pairs as [TokenPairs['pairs'][0], TokenPairs['pairs'][0]];
  expect(first.chosen.at(-1)).toBe(tokenizer.special.eos);
  expect(first.label).toBeUndefined();
  expect(second).toEqual({ prompt: first.prompt, chosen: first.rejected, rejected: first.chosen, label: 0.3 });
  expect([overflow, equal]).toEqual(Array(2).fill({ rows: 0, where: [] }));
  expect(of([row('even', 'odd', { label: true })]).pairs[0]?.label).toBeUndefined();
  expect(() => of([row('even', 'odd', { label: 2 })])).toThrow('column label is out of range; got 2');
});

test('equal completions are left out and counted; only where nothing else is there they are refused', () => {
  const rows = Array.from({ length: 12 }, () => row('odd', 'odd'));
  const { pairs, equal } = of([row('even', 'odd'), ...rows]);
  expect(pairs).toHaveLength(1);
  expect(equal.rows).toBe(12);
  expect(equal.where).toHaveLength(10);
  expect(() => of(rows)).toThrow('all 12 pairs have two completions of the same tokens');
});

test('longer pairs are left out, cut or refused, and what is said names what was tried', () => {
  const long = row('even evens', 'even odds');
  const { prompt, chosen } = of([long]).pairs[0] as TokenPairs['pairs'][0];
  const limit = prompt.length + 1; // the completions differ behind it
  expect(chosen.length).toBeGreaterThan(1);
  expect(() => of([long], { limit })).toThrow(/all 1 pairs are longer than the model; got .* or overflow cut/);
  const cut = 'all 1 pairs are longer than the model, and after the cut nothing tells their completions apart';
  expect(() => of([long], { limit, overflow: 'cut' })).toThrow(cut);
  expect(() => of([long], { limit, overflow: 'cut' })).not.toThrow('or overflow cut');
  expect(() => of([row('odd', 'odd'), long], { limit })).toThrow('1 of 2 pairs have equal completions, the others are');
  expect(() => of([long], { limit, overflow: 'error' })).toThrow('prompt and completion are longer than the model');
  const both = of([row('even', 'odd'), long], { limit: prompt.length + chosen.length - 1, overflow: 'cut' });
  expect(both.overflow.rows).toBe(1);
});

test('turns of a conversation give the tokens of the texts they are written as; rows without a prompt are refused', () => {
  const turn = (role: string, content: string) => ({ role, content });
  const [even, odd] = ['even', 'odd'].map((text) => [turn('assistant', text)]);
  const turns = { prompt: [turn('user', 'what is')], chosen: even, rejected: odd, label: 0.7 };
  expect(of([turns]).pairs).toEqual(of([row('even', 'odd', { label: 0.7 })]).pairs);
  expect(() => of([{ chosen: 'even', rejected: 'odd' }])).toThrow('rows of this kind hold no prompt');
});
