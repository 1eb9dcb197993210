import { dataset, Tokenizer, trainTokenizer } from '@gimbal/language-models';
import { askedPrompts, rendered } from './chat-prompts.ts';

it('gives a prompt’s tools to the chat template, and tells prompts apart that differ in them alone', () => {
  const base = trainTokenizer(['ask'], { promptSuffix: '' });
  const chat_template =
    "{{ tools[0].name if tools else 'none' }}{% for m in messages %} {{ m.role }} {{ m.content }}{% endfor %}{% if add_generation_prompt %} assistant{% endif %}";
  const tokenizer = new Tokenizer(base.json, { ...base.config, chat_template });
  const prompt = [{ role: 'user', content: 'ask' }];
  const tools = [{ name: 'add' }];
  const data = dataset([{ prompt }, { prompt, tools }, { prompt, tools: JSON.stringify(tools) }], {
    kind: 'conversation-prompt',
  });
  const { rows, chats } = askedPrompts(data);
  const texts = rows.map((row) => (row as { prompt: string }).prompt);
  expect(texts.map((text) => chats && rendered(tokenizer, chats, text))).toEqual([
    'none user ask assistant',
    'add user ask assistant',
    'add user ask assistant',
  ]);
  expect(texts[0]).toBe('ask');
  expect(texts[1]).toBe(texts[2]);
});
