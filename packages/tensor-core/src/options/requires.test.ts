// What is no object of options is refused as such, wherever options come first or alone.
import * as core from '../index.ts';

const { distributions, schedules } = core;
const none = [null, 3, 'text', []];

const takers: { [name: string]: (given: never) => unknown } = {
  createOptimizer: (o) => core.createOptimizer(o),
  backendReport: core.backendReport,
  useBackend: (o) => core.useBackend('cpu', o),
  cosine: schedules.cosine,
  linear: schedules.linear,
  warmup: schedules.warmup,
  wsd: schedules.wsd,
  inverseSqrt: schedules.inverseSqrt,
  dense: core.dense,
  mlpModule: core.mlpModule,
  layerNormModule: core.layerNormModule,
  rmsNormModule: core.rmsNormModule,
  embeddingModule: core.embeddingModule,
  dropoutModule: core.dropoutModule,
  kvCache: core.kvCache,
  rotary: (o) => core.rotary(undefined as never, o),
  adamWTree: (o) => core.adamWTree([], o),
  resolveShares: (o) => core.resolveShares(2, o),
  Ema: (o) => new core.Ema({}, o),
  EpochSampler: (o) => new core.EpochSampler(4, o),
  LoopTrainer: (o) => new core.LoopTrainer(o),
  diagonalGaussian: distributions.diagonalGaussian,
  squashedGaussian: distributions.squashedGaussian,
  checkKnown: (o) => core.checkKnown('here', o, ['a']),
};

test.each(Object.keys(takers))('%s refuses what is no object of options', async (name) => {
  for (const given of none) {
    const call = async (): Promise<unknown> => takers[name]?.(given as never);
    await expect(call()).rejects.toMatchObject({ code: 'ERR_CONFIG', what: 'the options are no object' });
  }
});

test('what came is named', () => {
  expect(() => core.requireOptions('here', null)).toThrow('here: the options are no object; got "null"');
  expect(() => core.requireOptions('here', [])).toThrow('an array');
  expect(() => core.requireOptions('here', undefined)).toThrow('undefined');
  expect(() => core.requireOptions('here', {})).not.toThrow();
});
