import { optionByOtherName, valueByOtherName } from './other-names.ts';

test('an option of another library is told as ours, where the command has that', () => {
  expect(optionByOtherName('beta', ['kl-coef', 'eta'])).toBe('kl-coef');
  expect(optionByOtherName('per_device_train_batch_size', ['batch-size'])).toBe('batch-size');
  expect(optionByOtherName('beta', ['eta'])).toBeUndefined();
  expect(optionByOtherName('toString', ['data'])).toBeUndefined();
});

test('what Stable-Baselines3 and CleanRL call it is told as ours', () => {
  const control = ['her', 'learning-rate', 'steps', 'entropy-coef', 'rollout', 'capacity', 'value-coef'];
  const told = ['lr', 'timesteps', 'total-timesteps', 'ent_coef', 'n_steps', 'buffer-size', 'vf-coef'].map((name) =>
    optionByOtherName(name, control),
  );
  expect(told).toEqual(['learning-rate', 'steps', 'steps', 'entropy-coef', 'rollout', 'capacity', 'value-coef']);
});

test('a loss of another library is told as ours', () => {
  expect(valueByOtherName('dpo', 'loss', 'DPO')).toBe('sigmoid');
  expect(valueByOtherName('nash-md', 'dpo-loss', 'slic')).toBe('hinge');
  expect(valueByOtherName('dpo', 'loss', 'sigmod')).toBeUndefined();
  expect(valueByOtherName('sft', 'loss', 'dpo')).toBeUndefined();
});
