// What Nash-MD's trainer is asked for: what makes no sense, what is half said, what an objective would not look at.
import { disposeTree, type PreferenceFn, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { type NashMdOptions, NashMdTrainer, type Objective, tokenTable } from '../../index.ts';

beforeAll(() => useBackend('auto'));

const table = tokenTable({ vocabulary: 3, length: 1 });

const options = (o: Partial<NashMdOptions> = {}): NashMdOptions => ({
  policy: table,
  params: table.params([-0.4, -1.6, -2.3]),
  codec: table.codec,
  prompts: ['a', 'b', 'c'],
  preference: (_, a) => a.map(() => 0.5),
  ...(o.objective !== 'sppo' && o.objective !== 'dno' && { klCoef: 0.2 }),
  maxNewTokens: 1,
  batchSize: 64,
  learningRate: 0.1,
  seed: 3,
  ...o,
});

test('options and answers that make no sense are refused by name', async () => {
  const of =
    (o: Partial<NashMdOptions>): (() => unknown) =>
    () =>
      new NashMdTrainer(options(o));
  expect(of({ klCoef: -1 })).toThrow('klCoef: out of range; got -1');
  expect(of({ klCoef: 0, objective: 'online-ipo' })).toThrow('klCoef: out of range; got 0, wanted a finite number > 0');
  expect(of({ opponent: { kind: 'mixture', mixtureCoef: 1.5 } })).toThrow(
    'opponent.mixtureCoef: out of range; got 1.5',
  );
  expect(of({ opponent: { kind: 'ema', decay: 2 } })).toThrow('opponent.decay: out of range; got 2');
  expect(of({ tournament: true })).toThrow('a tournament needs several completions of a prompt; got 1');
  expect(of({ contrastive: true })).toThrow('contrastive: the opponent’s completions are not the policy’s own');
  expect(of({ prompts: [] })).toThrow('prompts: there are none');
  expect(of({ temperature: 0.9 as never })).toThrow('temperature: the loss needs the log-probabilities');
  // a filter would draw from another distribution than the one whose log-probabilities are in the loss
  for (const filter of [{ topK: 1 }, { topP: 0.5 }, { minNewTokens: 4 }])
    expect(of(filter as never)).toThrow(`NashMdTrainer, option: no such choice; got "${Object.keys(filter)[0]}"`);
  expect(of({ objective: 'online-ipo', missingEos: { penalty: 1 } })).toThrow(
    'missingEos: online-ipo has no such option; wanted objective policy-gradient or nash-mp',
  );
  for (const other of [{ dpoLoss: 'ipo' }, { inverseStep: 1 }] as const)
    expect(of(other)).toThrow(`${Object.keys(other)[0]}: policy-gradient has no such option`);
  expect(of({ opponent: { kind: 'mixture', mixtureCoef: 1 }, deploy: 'mixture' })).toThrow(
    'deploy: with mixtureCoef 1 the mixture is the reference itself',
  );
  expect(of({ objective: 'nash' as never })).toThrow('objective');
  expect(of({ objective: 'online-dpo', dpoLoss: 'robust' })).toThrow('dpoLoss: no such choice; got "robust"');
  expect(of({ objective: 'sppo', opponent: { kind: 'ema', decay: 0.5 } })).toThrow('the policy’s own completions');
  expect(of({ objective: 'inpo', inverseStep: 0.1, klCoef: 0.2 })).toThrow('inverseStep: out of range; got 0.1');
  expect(of({ batchSize: 9, samplesPerPrompt: 2 })).toThrow('batchSize: out of range; got 9');
  const other = tokenTable({ vocabulary: 4, length: 1 });
  const reference = other.params([0, 0, 0, 0]);
  expect(of({ reference })).toThrow('reference, logits: another shape than the policy’s; got "1,4", wanted [1,3]');
  disposeTree(reference);
  const answering = async (preference: PreferenceFn): Promise<unknown> => {
    using trainer = new NashMdTrainer(options({ preference, batchSize: 2 }));
    return await trainer.run({ steps: 1 });
  };
  await expect(answering(() => [0.5])).rejects.toThrow('preference: another number of answers; got 1, wanted 2');
  await expect(answering(() => [0.5, 1.2])).rejects.toThrow('preference, row 1: no probability; got 1.2');
  await expect(answering(() => [Number.NaN, 1])).rejects.toThrow('preference, row 0: no probability; got NaN');
});

test('what the objective would not look at is refused, and its τ is its own', async () => {
  for (const objective of ['sppo', 'dno'] as const) {
    expect(() => new NashMdTrainer({ ...options({ objective }), klCoef: 0.1 })).toThrow(
      `klCoef: ${objective} has no such option; wanted objective policy-gradient or nash-mp`,
    );
    using none = new NashMdTrainer(options({ objective, batchSize: 2 }));
    expect((await none.run({ steps: 1 }))?.klCoef).toBe(0);
  }
  for (const objective of ['online-ipo', 'ipo-md', 'online-dpo', 'inpo'] as const)
    expect(() => new NashMdTrainer(options({ objective, tournament: true, samplesPerPrompt: 2 }))).toThrow(
      `tournament: ${objective} learns from pairs, of which a tournament would ask 2 times as many as it uses`,
    );
  const wanted = { 'policy-gradient': 0.008, 'nash-mp': 0.008, 'online-ipo': 1, 'ipo-md': 1, 'online-dpo': 0.1 };
  for (const [objective, klCoef] of Object.entries({ ...wanted, inpo: 0.1, egpo: 0.1 })) {
    using trainer = new NashMdTrainer(options({ objective: objective as Objective, klCoef: undefined as never }));
    expect(trainer.options.klCoef).toBe(klCoef);
  }
});

test('what is given in half is refused before anything is allocated, what is undefined is not given', () => {
  const before = memory().numTensors;
  const common = options();
  const used = memory().numTensors;
  const refused = (o: object, message: string): void => {
    expect(() => new NashMdTrainer({ ...common, ...o } as NashMdOptions)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_/), message: expect.stringContaining(message) }),
    );
    expect(memory().numTensors).toBe(used);
  };
  refused(
    { opponent: { kind: 'mixture' } },
    'opponent.mixtureCoef: no coefficient; wanted a number, or a function of the step',
  );
  refused({ opponent: { kind: 'mixture', mixturCoef: 0.1 } }, 'Did you mean mixtureCoef?');
  refused({ opponent: { kind: 'fixed' } }, 'opponent.contestant: there is nobody to play against');
  refused({ opponent: { kind: 'fixed', contestant: { policy: table } } }, 'opponent.contestant: there is nobody');
  refused({ opponent: null }, 'opponent: the options are no object');
  refused({ codec: undefined }, 'codec: it is needed; got "undefined"');
  refused({ preference: undefined }, 'preference: it is needed');
  refused({ policy: null }, 'policy: it is needed; got "null"');
  refused({ params: undefined }, 'params: it is needed');
  refused({ prompts: 'abc' }, 'prompts: it is needed; got "string"');
  refused({ prompts: ['a', null] }, 'prompts, row 1: it is needed; got "null"');
  refused({ klCoef: null }, 'klCoef: no coefficient; got null');
  refused({ klCoef: '0.1' }, 'klCoef: no coefficient; got "0.1"');
  // the loop's own options are looked at when the reference is there already
  refused({ learningRate: Number.NaN }, 'learningRate: out of range');
  refused({ learningRate: undefined }, 'learningRate: out of range');
  refused({ objective: 'egpo', opponent: undefined, maxGradNorm: -1 }, 'maxGradNorm: out of range');
  disposeTree(common.params);
  expect(memory().numTensors).toBe(before);
});
