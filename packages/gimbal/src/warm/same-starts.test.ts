import { refuseOtherStarts, type Start } from './same-starts.ts';

const start = (ropeTheta: number, vocab: object): Start =>
  ({ model: { config: { width: 8, ropeTheta } }, tokenizer: { json: { model: { vocab } } } }) as unknown as Start;

test('starts of other numbers or another tokenizer are refused with the first thing that differs', () => {
  const last = start(1e4, { a: 0, b: 1 });
  expect(() => refuseOtherStarts(['x', 'y'], [start(1e4, { a: 0, b: 1 }), last])).not.toThrow();
  expect(() => refuseOtherStarts(['x', 'y'], [start(5e3, { a: 0, b: 1 }), last])).toThrow(
    /--model x: its ropeTheta differs from the last one's; got "5000", wanted 10000/,
  );
  expect(() => refuseOtherStarts(['x', 'y'], [start(1e4, { a: 1, b: 0 }), last])).toThrow(
    /--model x: its tokenizer differs from the last one's in model/,
  );
});
