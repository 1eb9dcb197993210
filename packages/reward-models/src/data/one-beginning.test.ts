// One conversation on the four paths that a beginning token can be written twice on: fine-tuning, rewards, generation and
// evaluation. Both the chat template and the tokenizer's post-processor write one.
import {
  dataset,
  decoder,
  generate,
  type Message,
  renderRows,
  Tokenizer,
  tokenRows,
  trainTokenizer,
} from '@gimbal/language-models';
import { disposeTree, rng, type TokenBatch, useBackend } from '@gimbal/tensor-core';
import { preferencePairs } from '../everywhere.ts';

beforeAll(() => useBackend('auto'));

const base = trainTokenizer(['user assistant hello bye now'], { specialTokens: ['<s>'], promptSuffix: '' });
const bos = base.id('<s>') as number;
const tokenizer = new Tokenizer(
  {
    ...base.json,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [bos], tokens: ['<s>'] } },
    },
  },
  {
    ...base.config,
    bos_token: '<s>',
    chat_template:
      "{{ bos_token }}{% for m in messages %}{{ m.role + ' ' + m.content + eos_token }}{% endfor %}{% if add_generation_prompt %}assistant {% endif %}",
  },
);
const prompt: Message[] = [{ role: 'user', content: 'hello' }];
const said = (content: string): Message[] => [{ role: 'assistant', content }];

test('a beginning that template and tokenizer both write stands once, and the ids are the same on every path', async () => {
  const model = decoder({ vocabularySize: tokenizer.size, width: 8, layers: 1, heads: 2, contextLength: 64 });
  const params = model.init(rng(0));
  const completion = dataset([{ prompt, completion: said('bye') }]);
  const [tuned] = tokenRows(completion, tokenizer, { limit: 64 }).rows;
  const [whole] = tokenRows(dataset([{ messages: [...prompt, ...said('bye')] }]), tokenizer, { limit: 64 }).rows;
  const pairs = dataset([{ prompt, chosen: said('bye'), rejected: said('now') }]);
  const [scored] = preferencePairs(pairs, model.config, tokenizer, {}).pairs;

  // what generation and, of answers, evaluation ask
  const asked: Int32Array[] = [];
  const watched = {
    ...model,
    begin(p: typeof params, prompts: TokenBatch, o: { maxNewTokens: number }) {
      asked.push(prompts.ids.slice(0, prompts.lengths[0]));
      return model.begin(p, prompts, o);
    },
  };
  const { rows } = renderRows(completion, tokenizer) as { rows: readonly { prompt: string }[] };
  const texts = rows.map((row) => row.prompt);
  await generate(watched, params, tokenizer, texts, { rendered: true, maxNewTokens: 1, rng: rng(0) });
  disposeTree(params);

  const ids = [...(tuned?.ids ?? [])];
  expect(ids.filter((id) => id === bos)).toHaveLength(1);
  expect(ids[0]).toBe(bos);
  expect([...(whole?.ids ?? [])]).toEqual(ids);
  expect([...(scored?.first.ids ?? [])]).toEqual(ids);
  expect(asked.map((row) => [...row])).toEqual([ids.slice(0, tuned?.from)]);
});
