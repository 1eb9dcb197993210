// The README's snippets, and those of docs/results/real-models.md, each in a function of its own: `tsc` checks them, the
// README's test that they are the same, and nothing runs them but the metrics.
import { type Params, rng } from '@gimbal/tensor-core';
import {
  allowTokens,
  bootstrapMean,
  CausalLmTrainer,
  ClassifierTrainer,
  classify,
  corpusBleu,
  createLora,
  type Dataset,
  distinctN,
  embedTexts,
  exactMatch,
  extractiveness,
  generate,
  generateStream,
  type LanguageModel,
  labelledRows,
  loadAdapter,
  loadClassifier,
  loadEncoder,
  loadGguf,
  loadPretrained,
  loadSeq2Seq,
  mergeLora,
  quantizeWeights,
  readRows,
  rouge,
  saveAdapter,
  saveClassifier,
  saveGguf,
  savePretrained,
  sentenceBleu,
  type Tokenizer,
} from '../src/index.ts';

declare const prompt: string;
declare const question: string;
declare const texts: string[];
declare function show(text: string): void;

export async function inAPage(): Promise<void> {
  const { model, params, tokenizer } = await loadPretrained('/models/newsroom/'); // or hubAddress('owner/name')
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  for await (const { text } of generateStream(model, params, tokenizer, [prompt], { rng: rng(0) })) show(text);
}

export async function generation(model: LanguageModel, params: Params, tokenizer: Tokenizer): Promise<unknown> {
  const yesOrNo = allowTokens(() => [tokenizer.id('yes') as number, tokenizer.id('no') as number]);
  const o = { maxNewTokens: 1, logitsProcessors: [yesOrNo], rng: rng(0) };
  const [answer] = await generate(model, params, tokenizer, [question], o); // answer?.text
  const [best, second] = await generate(model, params, tokenizer, [prompt], { beams: 4, samples: 2, rng: rng(0) });
  return [answer?.text, best, second];
}

export async function encoderDecoders(): Promise<unknown> {
  const { model, params, tokenizer } = await loadSeq2Seq('flan-t5-small');
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  const asked = ['translate to German: the cat'];
  const [answer] = await generate(model, params, tokenizer, asked, { temperature: 0, rng: rng(0) }); // answer?.text
  return answer?.text;
}

export async function gguf(): Promise<unknown> {
  const { model, params, tokenizer } = await loadPretrained('sums');
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  await saveGguf('sums.gguf', model, params, { tokenizer, type: 'Q8_0' });
  const small = await loadGguf('sums.gguf', { weights: 'blocks' }); // as loadPretrained('sums.gguf', …)
  const [answer] = await generate(small.model, small.params, tokenizer, ['2 + 2 ='], { maxNewTokens: 4, rng: rng(0) });
  const four = await quantizeWeights(model, params, 'Q4_0'); // the same, without a file
  return [answer?.text, four];
}

export async function encoders(): Promise<unknown> {
  const { model, params, tokenizer, pooling } = await loadEncoder('sentence-transformers/all-MiniLM-L6-v2');
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  const [cat, dog] = await embedTexts(model, params, tokenizer, ['a cat', 'a dog'], pooling); // Float32Arrays of length 1
  return [cat, dog];
}

export async function similarity(): Promise<unknown> {
  const { model, params, tokenizer, pooling } = await loadEncoder('sentence-transformers/all-MiniLM-L6-v2');
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  const vectors = await embedTexts(model, params, tokenizer, texts, pooling); // of length 1: a product is a cosine
  return vectors;
}

export async function classifiers(): Promise<unknown> {
  const { model, params, tokenizer } = await loadClassifier('all-MiniLM-L6-v2', { labels: ['good', 'bad'] });
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  const data = await readRows('reviews.jsonl', { kind: 'labelled-text' }); // {"text": "fine", "label": "good"}
  using trainer = new ClassifierTrainer({ model, params, tokenizer, data, learningRate: 1e-4, batchSize: 16, seed: 0 });
  for await (const { loss } of trainer.train({ steps: 20 })) show(`${loss}`);
  const { rows } = labelledRows(data, tokenizer, { labels: model.labels, limit: model.config.contextLength });
  const verdicts = await classify(model, trainer.params, rows); // of each row { prediction, logits }
  await saveClassifier('judge', model, trainer.params, { tokenizer });
  return verdicts;
}

export async function adapters(data: Dataset): Promise<void> {
  const { model, params, tokenizer } = await loadPretrained('HuggingFaceTB/SmolLM2-135M-Instruct');
  if (!tokenizer) throw new Error('the folder has no tokenizer.json');
  const adapter = createLora(model.config, params, { rank: 8, targetModules: ['q_proj', 'v_proj'] }, rng(0));
  const options = { model, params, adapter, tokenizer, data, learningRate: 2e-4, batchSize: 4, seed: 0 };
  using trainer = new CausalLmTrainer(options);
  for await (const { loss } of trainer.train({ steps: 50 })) show(`${loss}`);
  await saveAdapter('adapter', model.config, { ...adapter, params: trainer.params }, { tokenizer }); // PEFT opens it
  const again = await loadAdapter('adapter', model.config);
  const merged = mergeLora(model.config, params, again); // a tree of its own, as params
  await savePretrained('merged', model, merged, { tokenizer });
}

export function metrics(): unknown {
  const predictions = ['the cat sat', 'a dog'];
  const references = ['the cat sat down', ['a dog', 'one dog']]; // of each prediction one, or several
  const bleu = corpusBleu(predictions, references); // 0 to 100; corpusChrf alike
  const each = rouge(predictions, references); // of each { rouge1, rouge2, rougeL }, F of 0 to 1
  const hits = exactMatch(predictions, references); // of each 0 or 1
  const { estimate, low, high } = bootstrapMean(hits, { samples: 1000, rng: rng(0) });
  const varied = distinctN(predictions, 2); // different pairs of words among all
  const one = sentenceBleu('the cat sat', ['the cat sat down']); // of one text against several references
  const { coverage, density } = extractiveness('the whole article', 'its summary'); // of one text and one summary
  return { bleu, each, hits, estimate, low, high, varied, one, coverage, density };
}
