import { dataset, type Tokenizer } from '@gimbal/language-models';
import { fitOf, type LongRows, refuseUnfit } from './fit.ts';

/** a token a character, one in front */
const tokenizer = { begin: [0], promptSuffix: '\n', encodeText: (text: string) => [...text] } as unknown as Tokenizer;
/** rows of prompts and completions of so many characters; three tokens more each */
const rows = (...lengths: [number, number][]) =>
  dataset(
    lengths.map(([prompt, completion]) => ({ prompt: 'p'.repeat(prompt), completion: 'c'.repeat(completion) })),
    { kind: 'prompt-completion' },
  );
const fits = (train: [number, number][], heldOut: [number, number][] = [[1, 1]]) => [
  fitOf('training', rows(...train), tokenizer, 10),
  fitOf('held-out', rows(...heldOut), tokenizer, 10),
];
const refuse =
  (parts: ReturnType<typeof fits>, long: LongRows, isGiven = false) =>
  () =>
    refuseUnfit(parts, 10, long, isGiven);

test('counts tokens as fine-tuning does', () => {
  // 1 + 4 + 1 prompt, 3 completion, 1 end = 10; 11 does not fit; a prompt of 10 leaves no room
  const all: [number, number][] = [
    [4, 3],
    [4, 4],
    [8, 1],
  ];
  expect(fitOf('training', rows(...all), tokenizer, 10)).toMatchObject({
    rows: 3,
    whole: 1,
    prompts: 2,
    shortest: 10,
    firstLong: { where: 'row 1', tokens: 11 },
  });
});

test('refuses, in the words of the command line, what fine-tuning or evaluation could not begin with', () => {
  const long: [number, number][] = [
    [4, 9],
    [4, 8],
  ];
  expect(refuse(fits(long), 'drop')).toThrow(
    /row 0: all 2 training rows are longer than the context; got "15 tokens in the shortest", wanted "?at most 10 tokens"?.*Give a --context of at least 15, or cut their end with --fine-tune-overflow cut/,
  );
  expect(refuse(fits(long), 'cut')).not.toThrow();
  expect(refuse(fits([[9, 1]]), 'cut')).toThrow(/by their prompts alone/);
  expect(
    refuse(
      fits([
        [4, 3],
        [4, 4],
      ]),
      'error',
    ),
  ).toThrow(/row 1: .*--fine-tune-overflow error.*--fine-tune-overflow drop/);
  expect(
    refuse(
      fits([
        [4, 3],
        [4, 4],
      ]),
      'drop',
    ),
  ).not.toThrow();
  expect(refuse(fits([[4, 3]], long), 'cut')).toThrow(/all 2 held-out rows.*Give a --context of at least 15\.?$/);
  expect(refuse(fits(long), 'drop', true)).toThrow(/start from a --model of a longer context/);
});
