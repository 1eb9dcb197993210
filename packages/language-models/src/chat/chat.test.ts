import { tokenRows } from '../data/token-rows.ts';
import { dataset, type Message, renderRows, type Tokenizer, trainTokenizer } from '../index.ts';
import { Tokenizer as Class } from '../tokenizer/tokenizer.ts';
import { renderChat } from './chat-template.ts';
import { encodeChat } from './encode-chat.ts';

const base = trainTokenizer(['user assistant system hello there\nbye now a b c'], {
  specialTokens: ['<s>', '<|im_start|>', '<|im_end|>'],
  promptSuffix: '',
});
const withTemplate = (chat_template: unknown, json = base.json): Tokenizer =>
  new Class(json, { ...base.config, bos_token: '<s>', chat_template });

const plain = `{%- for m in messages -%}
{{ '<|im_start|>' + m.role + '\n' }}{{ m.content }}{{ '<|im_end|>' + '\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}`;
const marked = `{%- for m in messages -%}
{{ '<|im_start|>' + m.role + '\n' }}
{%- if m.role == 'assistant' -%}
{%- generation -%} {{ m.content }} {%- endgeneration -%}
{%- else -%}{{ m.content }}{%- endif -%}
{{ '<|im_end|>' + '\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}`;

const messages: Message[] = [
  { role: 'user', content: 'hello' },
  { role: 'assistant', content: 'bye' },
  { role: 'user', content: 'there' },
  { role: 'assistant', content: 'now' },
];

it('marks render as without them, and the mask covers exactly content and end of each assistant turn', () => {
  const tokenizer = withTemplate(marked);
  const { ids, assistant } = encodeChat(tokenizer, messages);
  expect(tokenizer.decodeIds(ids, { skipSpecialTokens: false })).toBe(renderChat(withTemplate(plain), messages).text);
  const learned = Array.from(ids, (id, t) =>
    assistant?.[t] === 1 ? tokenizer.decodeIds([id], { skipSpecialTokens: false }) : '·',
  ).join('');
  expect(learned.replace(/·+/g, '·')).toBe('·bye<|im_end|>·now<|im_end|>·');
});

it.each([
  ['{% generation %}\n{{ m.content }}{% endgeneration %}', 'bye'],
  ['{% generation %}\n{{ m.content }}\n    {% endgeneration %}\n', 'bye\n'],
  ['{%- generation %}{{ m.content }}{% endgeneration -%}   ', 'bye'],
  ['  {%- generation -%}  {{ m.content }}  {%- endgeneration -%}  ', 'bye'],
])('marks trim as transformers does: %j', (block, wanted) => {
  const source = `{% for m in messages %}[${block}]{% endfor %}`;
  const rendered = renderChat(withTemplate(source), [{ role: 'assistant', content: 'bye' }]);
  expect(rendered.text).toBe(`[${wanted}]`);
  expect(rendered.generated?.map(([a, b]) => rendered.text.slice(a, b))).toEqual([wanted]);
});

it('refuses assistant-only training where nothing is marked, naming the way out', () => {
  const data = dataset([{ messages }]);
  expect(data.kind).toBe('conversation');
  expect(() => tokenRows(data, withTemplate(plain), { limit: 64, assistantOnly: true })).toThrow(
    /chat template does not mark what the assistant writes.*endgeneration.*assistantOnly: false/s,
  );
  const { rows } = tokenRows(data, withTemplate(plain), { limit: 64 });
  expect(rows[0]?.counts).toBeUndefined();
});

it('counts and skips a conversation whose assistant turn the limit cuts off', () => {
  const tokenizer = withTemplate(marked);
  const long = [
    { role: 'user', content: 'hello there hello there hello there' },
    { role: 'assistant', content: 'bye' },
  ];
  const data = dataset([{ messages: messages.slice(0, 2) }, { messages: long }]);
  const { rows, overflow } = tokenRows(data, tokenizer, { limit: 30, overflow: 'cut', assistantOnly: true });
  expect(rows).toHaveLength(1);
  expect(overflow).toMatchObject({ rows: 1, where: ['row 1'] });
});

it('has one bos in training and in what is asked, whoever adds it', () => {
  const bos = base.id('<s>') as number;
  const json = {
    ...base.json,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [bos], tokens: ['<s>'] } },
    },
  };
  const tokenizer = withTemplate(`{{ bos_token }}${marked}`, json);
  const count = (ids: Int32Array | undefined): number => [...(ids ?? [])].filter((id) => id === bos).length;
  const chat = dataset([{ messages }]);
  const asked = dataset([{ prompt: messages.slice(0, 1), completion: messages.slice(1, 2) }]);
  expect(asked.kind).toBe('conversation-completion');
  const [whole, parts, text] = [chat, asked, dataset([{ text: 'hello' }])].map(
    (data) => tokenRows(data, tokenizer, { limit: 99 }).rows[0],
  );
  expect([count(whole?.ids), count(parts?.ids), count(text?.ids)]).toEqual([1, 1, 1]);
  expect([...encodeChat(tokenizer, messages.slice(0, 2)).ids]).toEqual([...(parts?.ids ?? [])]);
  // only the answer counts
  expect(tokenizer.decodeIds(parts?.ids.subarray(parts.from) ?? [], { skipSpecialTokens: false })).toBe(
    'bye<|im_end|>\n',
  );
});

it('renders every conversational kind as the rows of text that trainers take', () => {
  const tokenizer = withTemplate(plain);
  const [user, assistant] = [messages.slice(0, 1), messages.slice(1, 2)];
  const worse = [{ role: 'assistant', content: 'now' }];
  const asked = '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n';
  const preference = { prompt: asked, chosen: 'bye<|im_end|>\n', rejected: 'now<|im_end|>\n', id: 7 };
  expect(renderRows(dataset([{ prompt: user, chosen: assistant, rejected: worse, id: 7 }]), tokenizer)).toMatchObject({
    kind: 'preference',
    rows: [preference],
  });
  expect(
    renderRows(dataset([{ chosen: [...user, ...assistant], rejected: [...user, ...worse], id: 7 }]), tokenizer),
  ).toMatchObject({ kind: 'preference', rows: [preference] });
  const verdict = { prompt: user, completion: assistant, label: true };
  expect(renderRows(dataset([verdict], { kind: 'conversation-unpaired-preference' }), tokenizer)).toMatchObject({
    kind: 'unpaired-preference',
    rows: [{ prompt: asked, completion: 'bye<|im_end|>\n', label: true }],
  });
  expect(renderRows(dataset([{ prompt: user }], { kind: 'conversation-prompt' }), tokenizer)).toMatchObject({
    kind: 'prompt',
    rows: [{ prompt: asked }],
  });
  expect(renderRows(dataset([{ messages: [...user, ...assistant] }]), tokenizer).rows[0]).toEqual({
    text: `${asked}bye<|im_end|>\n`,
  });
});

it('says what a conversation or a tokenizer lacks', () => {
  expect(() => renderChat(withTemplate(null), messages)).toThrow(/the tokenizer has none of this name; got "default"/);
  const strict = withTemplate("{{ raise_exception('roles must alternate') }}");
  expect(() => tokenRows(dataset([{ messages }]), strict, { limit: 9 })).toThrow(/row 0: .*roles must alternate/);
  expect(() => dataset([{ messages: [{ content: 'x' }] }])).toThrow(/row 0: column messages must hold messages/);
  expect(() => dataset([{ messages: [] }], { kind: 'conversation' })).toThrow(/at least one/);
});
