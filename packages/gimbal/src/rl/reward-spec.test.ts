import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schedules } from '@gimbal/tensor-core';
import { inputsOf } from '../run/inputs.ts';
import { loadRewards, sumRewards } from './reward.ts';
import { parseJudge, parseReward } from './reward-spec.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-reward-spec-'));
  for (const name of ['a', 'b']) {
    await mkdir(join(dir, name));
    await writeFile(join(dir, name, 'config.json'), '{}');
  }
  // scores by which members of an ensemble are told apart
  for (const [name, score] of Object.entries({ one: 1, two: 2, nine: 9 }))
    await writeFile(join(dir, `${name}.mjs`), `export default (_, texts) => texts.map(() => ${score});\n`);
});
afterAll(() => rm(dir, { recursive: true }));

const score = async (text: string, completions: string[]): Promise<unknown> => {
  const rewards = await loadRewards([parseReward(text, 'here', { moving: true })], { where: 'here' });
  return sumRewards(rewards)(
    completions.map(() => 'p'),
    completions,
  );
};

test('options stand behind a reward, each after a ?, and its weight at the end', () => {
  expect(parseReward('entailment:runs/j', 'here')).toEqual({
    kind: 'judge',
    of: 'runs/j',
    weight: 1,
    name: 'entailment',
  });
  expect(parseReward('entailment:runs/j?aggregate=summac?p-min=0.01=0.5', 'here')).toEqual({
    ...{ kind: 'judge', of: 'runs/j', weight: 0.5, name: 'entailment' },
    judge: { aggregate: 'summac', pMin: 0.01 },
  });
  expect(parseReward('entailment:runs/j?empty=accept', 'here')).toMatchObject({ judge: { emptyPolicy: 'accept' } });
  const [a, b] = [join(dir, 'a'), join(dir, 'b')];
  expect(parseReward(`ensemble:${a}+entailment:${b}?variance=2=-1`, 'here')).toEqual({
    ...{ kind: 'ensemble', of: `${a}+entailment:${b}`, weight: -1, name: 'ensemble' },
    members: [
      { kind: 'model', of: a },
      { kind: 'judge', of: b },
    ],
    reduce: { meanMinusVariance: 2 },
  });
  expect(parseReward('length:..40', 'here')).toMatchObject({ bounds: { max: 40 }, name: 'length' });
  expect(parseReward('repetition=0.1', 'here')).toMatchObject({ n: 3, weight: 0.1, name: 'repetition' });
});

test('a weight moves along a line, where updates are counted', () => {
  const { weight } = parseReward('length:20..40=0.1..0.5@4', 'here', { moving: true });
  const at = (step: number): number => schedules.scheduleAt(weight, step);
  // .1 + .4 · step/4, and then .5
  expect([0, 1, 2, 3, 4, 50].map(at)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.5].map((x) => expect.closeTo(x, 12)));
  expect(() => parseReward('exact=0..1@4', 'here')).toThrow(/nothing counts updates here/);
});

test('a number behind a parameter of an address is the parameter’s, and a weight stands behind it', () => {
  const at = (text: string): unknown => {
    const { of, weight } = parseReward(text, 'here', { moving: true });
    return [of, schedules.scheduleAt(weight, 2)];
  };
  expect(at('https://h/score?temperature=0.5')).toEqual(['https://h/score?temperature=0.5', 1]);
  expect(at('https://h/score?key=a&t=0.5')).toEqual(['https://h/score?key=a&t=0.5', 1]);
  expect(at('https://h/score?temperature=0.5=2')).toEqual(['https://h/score?temperature=0.5', 2]);
  expect(at('https://h/score=-0.5')).toEqual(['https://h/score', -0.5]);
  expect(at('https://h/a=b')).toEqual(['https://h/a=b', 1]);
  // .1 + .4 · 2/4
  expect(at('https://h/score=0.1..0.5@4')).toEqual(['https://h/score', expect.closeTo(0.3, 12)]);
  expect(at('https://h/score?t=1=0.1..0.5@4')).toEqual(['https://h/score?t=1', expect.closeTo(0.3, 12)]);
  expect(() => parseReward('https://h/score=0..0.5@100', 'here')).toThrow(/nothing counts updates here/);
  expect(() => parseReward('https://h/score=0..x@100', 'here', { moving: true })).toThrow(/the weight is no number/);
});

test('a judge by itself has options, and no weight', () => {
  expect(parseJudge('runs/j?aggregate=summac', 'here')).toEqual({
    ...{ kind: 'judge', of: 'runs/j' },
    judge: { aggregate: 'summac' },
  });
  for (const text of ['runs/j=0.5', 'runs/j=1', 'runs/j?aggregate=summac=2'])
    expect(() => parseJudge(text, 'here')).toThrow(/here: a judge has no weight here; got "runs\/j/);
});

test('a sum asks as every other does: wrong answers are told with their reward and row', async () => {
  for (const [name, answer, message] of [
    ['few', '[1]', /reward few: it gave another number of rewards; got 1, wanted 2/],
    ['text', '"12"', /reward text: it gave no list of rewards/],
    ['nothing', 'undefined', /reward nothing: it gave no list of rewards/],
    ['nan', '[0, NaN]', /reward nan, row 1: no reward; got "NaN"/],
  ] as const) {
    await writeFile(join(dir, `${name}.mjs`), `export default () => ${answer};\n`);
    await expect(score(join(dir, `${name}.mjs`), ['a', 'b'])).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(message),
    });
  }
});

test('lengths, repetitions and ensembles score as their functions do', async () => {
  // two words of at least three: one is missing; a held-out score takes a moving weight as it ends
  expect(await score('length:3..4=0..0.5@10', ['one two', 'a b c', 'a b c d e f'])).toEqual([-0.5, 0, -1]);
  // of the runs of one word a, b, a, b half were there before
  expect(await score('repetition:1', ['a b a b', 'a b'])).toEqual([-0.5, 0]);
  const members = ['one', 'two', 'nine'].map((name) => join(dir, `${name}.mjs`)).join('+');
  for (const [options, wanted] of [
    ['', 4],
    ['?reduce=median', 2],
    ['?reduce=min', 1],
    // the variance of 1, 2, 9 is (9 + 4 + 25)/2 = 19
    ['?variance=0.1', 4 - 1.9],
  ] as const)
    expect(await score(`ensemble:${members}${options}`, ['x'])).toEqual([expect.closeTo(wanted, 12)]);
});

test('what a run of gimbal warm averaged are the members of its ensemble', async () => {
  const run = join(dir, 'warm-1');
  await mkdir(join(run, 'warm/model'), { recursive: true });
  const fix = loadRewards([parseReward(`ensemble:${run}`, 'here')], { where: 'here' });
  await expect(fix).rejects.toThrow(/there are no members.*wanted a run of gimbal warm, or two or more: a\+b/);
  await writeFile(join(run, 'warm/model/warm.json'), JSON.stringify({ members: [{ folder: '../members/run-0' }] }));
  const opened = loadRewards([parseReward(`ensemble:${run}`, 'here')], { where: 'here' });
  await expect(opened).rejects.toThrow(join(run, 'warm/members/run-0'));
  // damaged files are told by their path
  const [record, notes] = ['warm.json', 'reward.json'].map((name) => join(run, 'warm/model', name)) as [string, string];
  const whole = await readFile(record, 'utf8');
  for (const [path, text, message] of [
    [record, whole.slice(0, 20), /not JSON/],
    [record, '{}', /it names no members/],
    [record, '{"members":[null]}', /it names no members/],
    [record, 'null', /it names no members/],
    [notes, 'null', /no object; got null/],
    [notes, '{"stats":{"mean":0,"std":0}}', /stats.std is out of range/],
  ] as const) {
    await writeFile(record, whole);
    await writeFile(path, text);
    const loading = loadRewards([parseReward(`ensemble:${run}`, 'here')], { where: 'here' });
    await expect(loading).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) });
    await expect(loading).rejects.toThrow(path);
  }
});

test('what is misspelt, out of range or of another reward is refused with what there is', () => {
  for (const [text, message] of [
    ['entailment:j?agregate=summac', /no such choice; got "agregate".*Did you mean aggregate\?/],
    ['entailment:j?aggregate=sumac', /\?aggregate: no such choice; got "sumac".*Did you mean summac\?/],
    ['entailment:j?p-min=2', /\?p-min: out of range; got "2", wanted a number between 0 and 1/],
    ['entailment:j?aggregate', /an option is a name and a value/],
    ['entailment:j?p-min=0.1=0.5?empty=accept', /the weight at the end/],
    ['entailment:j?aggregate=summac?aggregate=whole', /an option is given twice: \?aggregate/],
    ['ensemble:exact+exact', /no member of an ensemble: exact/],
    // what it cannot take is not offered
    ['ensemble:https://a/b+exact', /no such reward; got .*, wanted world:newsroom, [^/]*, or a path to a .mjs or .js/],
    ['ensemble:./a.mjs+./b.mjs?reduce=mode', /\?reduce: no such choice; got "mode", wanted one of mean, median, min/],
    ['ensemble:./a.mjs+./b.mjs?variance=-1', /\?variance: out of range/],
    ['ensemble:./a.mjs+./b.mjs?reduce=min?variance=1', /in one way/],
    ['length:40..20', /bounds that no length fits/],
    ['length:', /wanted fewest and most words/],
    ['repetition:0', /no whole number above 0/],
    ['exact?p-min=0.1', /this reward has no options: \?p-min=0.1/],
    ['exact=0..1', /the weight is no number.*exact=0\.\.0\.5@100/],
    ['exact=', /the weight is no number/],
  ] as const) {
    expect(() => parseReward(text, 'here', { moving: true })).toThrow(message);
    expect(() => parseReward(text, 'here', { moving: true })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  }
});

test('files are hashed behind options, of an ensemble each', async () => {
  const [a, b, one] = [join(dir, 'a'), join(dir, 'b'), join(dir, 'one.mjs')];
  const reward = [`entailment:${a}?aggregate=summac=0.5`, `ensemble:${one}+entailment:${b}?reduce=min`];
  expect(Object.keys(await inputsOf({ reward }))).toEqual([a, one, b]);
});
