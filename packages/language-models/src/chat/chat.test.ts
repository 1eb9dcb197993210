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

/** What the mask covers, a dot for each stretch that it does not. */
function learnedIn(tokenizer: Tokenizer, turns: readonly Message[]): string {
  const { ids, assistant } = encodeChat(tokenizer, turns);
  return Array.from(ids, (id, t) =>
    assistant?.[t] === 1 ? tokenizer.decodeIds([id], { skipSpecialTokens: false }) : '·',
  )
    .join('')
    .replace(/·+/g, '·');
}

it('marks render as without them, and the mask covers exactly content and end of each assistant turn', () => {
  const tokenizer = withTemplate(marked);
  const { ids } = encodeChat(tokenizer, messages);
  expect(tokenizer.decodeIds(ids, { skipSpecialTokens: false })).toBe(renderChat(withTemplate(plain), messages).text);
  expect(learnedIn(tokenizer, messages)).toBe('·bye<|im_end|>·now<|im_end|>·');
});

// Llama 3's shape: each turn begins with a special token at once behind the one that ended the last
const headed = (block: string): string => `{%- for m in messages -%}
{{ '<|im_start|>' + m.role }}
{%- if m.role == 'assistant' -%}${block}{%- else -%}{{ m.content + '<|im_end|>' }}{%- endif -%}
{%- endfor -%}`;

it.each([
  ['the end inside', "{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}", '<|im_end|>'],
  ['the end and a line inside', "{% generation %}{{ m.content + '<|im_end|>\n' }}{% endgeneration %}", '<|im_end|>\n'],
  ['the end behind it', "{% generation %}{{ m.content }}{% endgeneration %}{{ '<|im_end|>' }}", '<|im_end|>'],
])('with %s, the mask holds content and end of each turn and not the beginning of the next', (_, block, end) => {
  const tokenizer = withTemplate(headed(block));
  for (const said of ['bye', '']) {
    const turns = messages.map((m) => (m.content === 'bye' ? { ...m, content: said } : m));
    expect(learnedIn(tokenizer, turns)).toBe(`·${said}${end}·now${end}`);
  }
});

it('learns the end of text behind a block that ends with the special token of something else', () => {
  const block = "{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ eos_token }}";
  const json = base.json;
  const tokenizer = new Class(json, { ...base.config, eos_token: '<s>', chat_template: headed(block) });
  expect(learnedIn(tokenizer, messages)).toBe('·bye<|im_end|><s>·now<|im_end|><s>');
});

it('marks a text that holds characters of private use', () => {
  const turns = [
    { role: 'user', content: '\ue0f0 a \ue0f1' },
    { role: 'assistant', content: 'b\ue0f2' },
  ];
  const rendered = renderChat(withTemplate(marked), turns);
  expect(rendered.text).toBe(renderChat(withTemplate(plain), turns).text);
  expect(rendered.generated?.map(([a, b]) => rendered.text.slice(a, b))).toEqual(['b\ue0f2']);
});

it('gives a row’s tools to the template, as a list or as JSON, in training and in what is asked', () => {
  const source = `{{ '[' + (tools | map(attribute='name') | join(',') if tools else 'none') + ']' }}${marked}`;
  const tokenizer = withTemplate(source);
  const tools = [{ name: 'add' }, { name: 'now' }];
  const begun = (row: object): string => {
    const { rows } = tokenRows(dataset([row]), tokenizer, { limit: 99 });
    return tokenizer.decodeIds(rows[0]?.ids ?? [], { skipSpecialTokens: false }).replace(/].*/s, ']');
  };
  const asked = { prompt: messages.slice(0, 1), completion: messages.slice(1, 2) };
  for (const given of [tools, JSON.stringify(tools)]) {
    expect(begun({ messages, tools: given })).toBe('[add,now]');
    expect(begun({ ...asked, tools: given })).toBe('[add,now]');
  }
  for (const given of [undefined, null, [], '']) expect(begun({ messages, tools: given })).toBe('[none]');
  const prompt = renderRows(dataset([{ ...asked, tools }], { kind: 'conversation-prompt' }), tokenizer);
  expect(prompt.rows[0]?.prompt).toMatch(/^\[add,now\]/);
  expect(() => begun({ messages, tools: 'hammer' })).toThrow(/row 0: column tools must hold .*got "hammer"/);
});

it('refuses a role that nothing knows and a conversation without an answer, by the place of the row', () => {
  const read = (...rows: object[]) => tokenRows(dataset(rows), withTemplate(plain), { limit: 99 });
  const misspelt = [{ role: 'usr', content: 'a' }, messages[1]];
  expect(() => read({ messages }, { messages: misspelt })).toThrow(
    /row 1: message 1 has a role that is not known.*got "usr".*Did you mean user\?/,
  );
  expect(() => read({ prompt: misspelt.slice(0, 1), completion: messages.slice(1, 2) })).toThrow(/row 0: message 1/);
  expect(() => read({ messages }, { messages: messages.slice(0, 1) })).toThrow(
    /row 1: the conversation has no turn of the assistant.*got "user"/,
  );
  // one that the template names is known
  const named = withTemplate(`{% if messages[0].role == 'usr' %}{% endif %}${plain}`);
  expect(tokenRows(dataset([{ messages: misspelt }]), named, { limit: 99 }).rows).toHaveLength(1);
});

it.each([
  ['{% for m in messages %}{{ m.content }', 'chat template: it is no Jinja'],
  ['{% endfor %}', 'chat template: it is no Jinja'],
])('names a template that is no Jinja: %s', (source, message) => {
  expect(() => renderChat(withTemplate(source), messages)).toThrow(message);
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
