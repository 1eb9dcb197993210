// Which options of PEFT an adapter may have: those that change what it computes are refused, the rest is kept.
import { loraFromPeft, peftWarnings, unknownToPeft } from './peft-config.ts';

const file = { peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: ['q_proj'], lora_dropout: 0.1 };
const read = (more: object): unknown => loraFromPeft({ ...file, ...more }, 'adapter_config.json');

test.each([
  ['use_qalora', true],
  ['kasa_config', {}],
  ['arrow_config', { top_k: 3 }],
  ['lora_bias', true],
  ['init_lora_weights', 'pissa_niter_4'],
])('%s, which changes the result, is refused', (key, value) => {
  expect(() => read({ [key]: value })).toThrow(`adapter_config.json ${key}: cannot be used`);
});

test('options at rest, or of training alone, change nothing', () => {
  const more = { use_qalora: false, kasa_config: null, target_parameters: [], init_lora_weights: 'gaussian' };
  expect(read({ ...more, velora_config: { rank: 1 } })).toEqual(read({}));
});

test('an option of a version to come is passed over, told where it says something, and kept', () => {
  const other = unknownToPeft({ ...file, future: { a: 1 }, off: false });
  expect(other).toEqual({ future: { a: 1 }, off: false });
  expect(peftWarnings(other, 'adapter_config.json')).toEqual([
    'adapter_config.json future: not known here, passed over ({"a":1})',
  ]);
});
