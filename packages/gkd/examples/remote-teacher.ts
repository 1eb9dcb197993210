// A teacher behind HTTP, and a student that learns from what it answers: its three likeliest tokens and the rest's sum.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GkdTrainer, oracleTeacher, type Teacher, type TeacherRows, type Wanted } from '@gimbal/gkd';
import { decoder, padBatch, rowOf } from '@gimbal/language-models';
import { rng, type TokenBatch, useBackend } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';

/** What goes over the wire: ids as they are, without padding. */
interface Question {
  prompts: number[][];
  completions: number[][];
  want: 'full' | 'sampled' | { topK: number } | { at: number[]; each: number };
}

/** Numbers a row; log-probabilities. JSON has no −∞: null stands for it. */
type Answer =
  | { full: (number | null)[][] }
  | { sampled: (number | null)[] }
  | { topK: { ids: number[]; logp: (number | null)[]; tail: number[] } };

const floats = (x: readonly (number | null)[]): Float32Array =>
  Float32Array.from(x, (value) => value ?? Number.NEGATIVE_INFINITY);

/** The client: all that a trainer needs of a teacher. */
export async function remoteTeacher(url: string): Promise<Teacher> {
  const post = async <A>(path: string, body: unknown, signal?: AbortSignal): Promise<A> => {
    const response = await fetch(`${url}/${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      ...(signal && { signal }), // a run that is stopped does not wait for the answer
    });
    if (!response.ok) throw new Error(`${url}/${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as A;
  };
  const rows = (batch: TokenBatch): number[][] => Array.from(batch.lengths, (_, b) => [...rowOf(batch, b)]);
  // read once: a trainer compares the tokenizers before it asks anything
  const about = await post<{ tokenizerHash: string; vocabSize: number }>('about', {});
  return {
    ...about,
    async score(prompts, completions, { want, signal }): Promise<TeacherRows> {
      const asked = typeof want === 'object' && 'at' in want ? { ...want, at: [...want.at] } : want;
      const question: Question = { prompts: rows(prompts), completions: rows(completions), want: asked };
      const answer = await post<Answer>('score', question, signal);
      // the trainer disposes it
      if ('full' in answer) return { full: tensor2d(answer.full.map(floats) as never) };
      if ('sampled' in answer) return { sampled: floats(answer.sampled) };
      const { ids, logp, tail } = answer.topK;
      return { topK: { ids: Int32Array.from(ids), logp: floats(logp), tail: Float32Array.from(tail) } };
    },
  };
}

/** The server: any teacher of this process. */
export async function serve(teacher: Teacher): Promise<{ url: string; close(): Promise<void> }> {
  const answer = async ({ prompts, completions, want }: Question): Promise<Answer> => {
    const asked: Wanted = typeof want === 'object' && 'at' in want ? { ...want, at: Int32Array.from(want.at) } : want;
    const given = await teacher.score(padBatch(prompts, 0), padBatch(completions, 0), { want: asked });
    if ('sampled' in given) return { sampled: [...given.sampled] };
    if ('topK' in given) {
      const { ids, logp, tail } = given.topK;
      return { topK: { ids: [...ids], logp: [...logp], tail: [...tail] } };
    }
    if (!('full' in given)) throw new Error('this example sends no states');
    try {
      return { full: given.full.arraySync() };
    } finally {
      given.full.dispose();
    }
  };
  const { tokenizerHash, vocabSize } = teacher;
  const server = createServer(async (request, response) => {
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Question;
      const result = request.url === '/about' ? { tokenizerHash, vocabSize } : await answer(body);
      response.setHeader('content-type', 'application/json').end(JSON.stringify(result));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((done) => void server.close(() => done()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

await useBackend('auto');

// ten digits and an end; the teacher counts on from the prompt, sure of it by 90 %
const tokens = ['pad', 'end', ...'0123456789'];
const encodeText = (text: string): number[] => Array.from(text, (c) => tokens.indexOf(c));
const tokenizer = {
  ...{ size: tokens.length, special: { pad: 0, eos: 1 }, token: (id: number) => tokens[id], encodeText },
  encode: (texts: readonly string[]) => padBatch(texts.map(encodeText), 0),
  decode: (batch: TokenBatch) =>
    Array.from(batch.lengths, (_, b) => Array.from(rowOf(batch, b), (id) => (id > 1 ? tokens[id] : '')).join('')),
};
const counting = oracleTeacher((prefix, promptLength) => {
  const p = new Float64Array(tokens.length).fill(0.1 / tokens.length);
  const next = prefix.length - promptLength === 4 ? 1 : 2 + ((Math.max(2, prefix.at(-1) ?? 2) - 1) % 10);
  p[next] = (p[next] ?? 0) + 0.9;
  return p;
}, tokenizer);

const student = decoder({
  ...{ family: 'llama', vocabularySize: tokens.length, width: 16, layers: 1, heads: 2, contextLength: 16 },
  ...{ eosIds: [1], padId: 0 },
});
const server = await serve(counting);
try {
  const teacher = await remoteTeacher(server.url);
  using trainer = new GkdTrainer({
    ...{ student, params: student.init(rng(0)), tokenizer, teacher, prompts: [...'0123456789'], divergence: 'fkl' },
    ...{ teacherTopK: 3, maxNewTokens: 5, batchSize: 16, learningRate: 0.02, seed: 1 },
  });
  let first: number | undefined;
  let last = 0;
  for await (const { loss } of trainer.train({ steps: 60 })) {
    first ??= loss;
    last = loss;
  }
  console.log(last < 0.5 * (first ?? 0) ? 'the loss has halved' : `a loss of ${last} after ${first}`);
} finally {
  await server.close();
}
