import { dataset, Tokenizer, trainTokenizer } from '@gimbal/language-models';
import { askingKinds, completedKinds, textRows } from './text-rows.ts';

const template = `{{ '<s>' }}{%- for m in messages -%}
{{ '<|' + m.role + '|>' }}{{ m.content }}{{ '</s>' + '\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}`;
const base = trainTokenizer(['one two three'], { specialTokens: ['<s>', '</s>'], promptSuffix: '' });
const id = (token: string): number => base.id(token) as number;
/** begins every text with <s>, as Llama's does */
const json = {
  ...base.json,
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [id('<s>')], tokens: ['<s>'] } },
  },
} as unknown as typeof base.json;
const config = { ...base.config, bos_token: '<s>', eos_token: '</s>' };
const tokenizer = new Tokenizer(json, { ...config, chat_template: template });
const asked = '<|user|>one</s>\n<|assistant|>';
const [user, assistant] = [
  { role: 'user', content: 'one' },
  { role: 'assistant', content: 'two' },
] as const;

test('a conversation is a prompt and what the assistant says last, without what training adds around both', () => {
  expect(tokenizer.begin).toEqual([id('<s>')]);
  const wanted = [{ tag: 'a', prompt: asked, completion: 'two' }];
  for (const row of [
    { tag: 'a', messages: [user, assistant] },
    { tag: 'a', prompt: [user], completion: [assistant] },
  ])
    expect(textRows(dataset([row], { oneOf: completedKinds }), tokenizer)).toEqual(wanted);
});

test('one that ends with the user asks, and has no completion', () => {
  for (const row of [{ messages: [user] }, { prompt: [user] }])
    expect(textRows(dataset([row], { oneOf: askingKinds }), tokenizer)).toEqual([{ prompt: asked }]);
});

test('rows of text stay as they are', () => {
  const rows = [{ prompt: '<s>one', completion: 'two</s>' }];
  expect(textRows(dataset(rows, { oneOf: completedKinds }), tokenizer)).toEqual(rows);
});

test('refuses a conversation in which nobody is asked, and one without a template', () => {
  const nobody = dataset([{ messages: [assistant] }], { oneOf: completedKinds });
  expect(() => textRows(nobody, tokenizer)).toThrow('row 0: the conversation asks nothing');
  const some = dataset([{ messages: [user, assistant] }], { oneOf: completedKinds });
  expect(() => textRows(some, new Tokenizer(json, { ...config, chat_template: [] }))).toThrow('chat_template');
});
