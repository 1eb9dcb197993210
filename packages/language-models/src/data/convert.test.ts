import {
  chosenCompletions,
  dataset,
  explicitPrompts,
  tokenRows,
  trainTokenizer,
  unpairedPreferences,
} from '../index.ts';

const user = { role: 'user', content: 'the sky is' };
const said = (content: string) => ({ role: 'assistant', content });

it('finds the prompt that both texts begin with; the space before they part is of the completions', () => {
  const data = dataset([
    { chosen: 'The sky is blue.', rejected: 'The sky is green.', id: 1 },
    { chosen: 'Say: yes', rejected: 'Say: yes and no' },
    { chosen: 'A 🐕', rejected: 'A 🐈' }, // the two share the first half of a pair of surrogates
  ]);
  expect(data.kind).toBe('implicit-preference');
  expect(explicitPrompts(data)).toMatchObject({
    kind: 'preference',
    rows: [
      { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.', id: 1 },
      { prompt: 'Say: ye', chosen: 's', rejected: 's and no' },
      { prompt: 'A', chosen: ' 🐕', rejected: ' 🐈' },
    ],
  });
});

it('finds the turns that both conversations begin with', () => {
  const data = dataset([{ chosen: [user, said('blue')], rejected: [user, said('green')], id: 1 }]);
  expect(data.kind).toBe('conversation-implicit-preference');
  const found = explicitPrompts(data);
  const wanted = { prompt: [user], chosen: [said('blue')], rejected: [said('green')], id: 1 };
  expect(found).toMatchObject({ kind: 'conversation-preference', rows: [wanted] });
  expect(explicitPrompts(found)).toBe(found);
});

it('makes two rows of a pair, one wanted and one not, or keeps the better alone', () => {
  const data = dataset([{ prompt: 'the sky is', chosen: ' blue', rejected: ' green', id: 1 }]);
  const unpaired = unpairedPreferences(data);
  expect(unpaired).toMatchObject({ kind: 'unpaired-preference' });
  expect(unpaired.rows).toEqual([
    { prompt: 'the sky is', completion: ' blue', label: true, id: 1 },
    { prompt: 'the sky is', completion: ' green', label: false, id: 1 },
  ]);
  expect([unpaired.where(0), unpaired.where(1)]).toEqual(['row 0', 'row 0']);
  // what is made is what a file of such rows is read as
  expect(dataset(unpaired.rows).kind).toBe('unpaired-preference');
  const better = chosenCompletions(data);
  expect(better).toMatchObject({
    kind: 'prompt-completion',
    rows: [{ prompt: 'the sky is', completion: ' blue', id: 1 }],
  });

  const turns = dataset([{ chosen: [user, said('blue')], rejected: [user, said('green')] }]);
  const verdicts = unpairedPreferences(turns);
  expect(verdicts).toMatchObject({
    kind: 'conversation-unpaired-preference',
    rows: [
      { prompt: [user], completion: [said('blue')], label: true },
      { prompt: [user], completion: [said('green')], label: false },
    ],
  });
  expect(dataset(verdicts.rows)).toMatchObject({ kind: 'conversation-unpaired-preference', rows: verdicts.rows });
  expect(chosenCompletions(turns)).toMatchObject({
    kind: 'conversation-completion',
    rows: [{ prompt: [user], completion: [said('blue')] }],
  });
});

it('tells of pairs that have one answer twice, which are no error of the file, and keeps them', () => {
  const warned: string[] = [];
  const warn = (message: string): number => warned.push(message);
  const turns = { chosen: [user, said('blue')], rejected: [user, said('blue')] };
  const other = { chosen: [user, said('blue')], rejected: [user, said('green')] };
  expect(explicitPrompts(dataset([other, turns, turns]), { warn }).rows[1]).toEqual({
    ...{ prompt: [user], chosen: [said('blue')], rejected: [said('blue')] },
  });
  expect(unpairedPreferences(dataset([{ chosen: 'a b', rejected: 'a b' }]), { warn }).rows).toHaveLength(2);
  expect(chosenCompletions(dataset([{ prompt: 'a', chosen: 'b', rejected: 'b' }]), { warn }).rows).toHaveLength(1);
  expect(warned).toEqual([
    '2 pairs have the same answer on both sides, which prefers nothing (first: row 1)',
    ...Array(2).fill('one pair has the same answer on both sides, which prefers nothing (first: row 0)'),
  ]);
});

it('takes an answer with a verdict for no answer to learn, in conversations as in texts; another label is carried along', () => {
  const row = { prompt: [user], completion: [said('blue')] };
  expect(dataset([{ ...row, label: false }]).kind).toBe('conversation-unpaired-preference');
  expect(dataset([{ ...row, label: 'sky' }])).toMatchObject({
    kind: 'conversation-completion',
    rows: [{ label: 'sky' }],
  });
  for (const rows of [[{ ...row, label: false }], [{ prompt: 'a', completion: 'b', label: false }]]) {
    expect(() => tokenRows(dataset(rows), trainTokenizer(['a b']), { limit: 64 })).toThrow(
      /rows of this kind are not trained on as they are; got "?(?:conversation-)?unpaired-preference/,
    );
  }
});

it('names the row that holds no pair, or two sides that begin differently', () => {
  const rows = (...sides: [unknown, unknown][]) => dataset(sides.map(([chosen, rejected]) => ({ chosen, rejected })));
  expect(() => explicitPrompts(rows(['a b', 'a c'], ['x', 'y']))).toThrow(/row 1: the two texts do not begin alike/);
  expect(() => explicitPrompts(rows([[user, said('a')], [said('a')]]))).toThrow(
    /row 0: the two conversations do not begin/,
  );
  expect(() => explicitPrompts(dataset([{ text: 'a' }]))).toThrow(/row 0: rows of this kind hold no pair; got "text"/);
});
