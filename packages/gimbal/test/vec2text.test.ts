// gimbal vec2text from end to end on a generated language: two short trainings, whose spaces already differ as the paper
// says, vectors and back, measures, the page in headless Chromium, bad input.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { evaluate, OnPolicyAgent, surrogates } from '@gimbal/fma-pg';
import { saveSeq2Seq } from '@gimbal/language-models';
import { rng, useBackend } from '@gimbal/tensor-core';
import { decodeCodes, encodeTexts, loadVec2Text, textEnv, trainTranslator, wordTokenizer } from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { chromium } from 'playwright-core';
import { leaksOf } from '../src/claims/vec2text/E1.ts';
import type { ExploreData } from '../src/vec2text/explore/data.ts';
import { type Printed, runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);
const run = (...argv: string[]): Promise<Printed> => runMain(['vec2text', ...argv], source);
const json = async <T>(...argv: string[]): Promise<T> => {
  const { stdout, stderr } = await run(...argv, '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as T;
};
let folder: string;
let [ae, rtt]: [string, string] = ['', ''];
type Trained = { semanticStructure: Record<string, { value: number }>; report: string };
const trained: Record<string, Trained> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-vec2text-'));
  [ae, rtt] = [join(folder, 'ae'), join(folder, 'rtt')];
  const sizes = ['--steps', '600', '--sentences', '4000', '--rows', '60', '--samples', '60'];
  for (const [objective, out] of [
    ['ae', ae],
    ['rtt', rtt],
  ] as const)
    trained[objective] = await json<Trained>('train', '--objective', objective, ...sizes, '--out', out);
}, 600_000); // of a busy machine; idle it takes 30 s
afterAll(() => rm(folder, { recursive: true }));

test('round trips already give more structure than autoencoding after 600 steps', async () => {
  const triplet = (name: string): number => trained[name]?.semanticStructure.tripletAccuracy?.value as number;
  expect(triplet('rtt')).toBeGreaterThan(triplet('ae') + 0.1);
  const page = await readFile(join(rtt, 'report.html'), 'utf8');
  for (const title of ['Universality', 'Between two sentences', 'Around a sentence', 'How many different things'])
    expect(page).toContain(title);
});

test('nothing but the vector reaches the decoder: the parts of E1 on the model of 600 steps', async () => {
  const { aish } = toyLanguages({ preset: 'typed' });
  const texts = aish.sentences(100, rng(9));
  using model = await loadVec2Text(join(ae, 'model'));
  const { identical, inBatch, padded, leaking, hits } = await leaksOf(model, texts, 0, new AbortController().signal);
  expect([identical, leaking]).toEqual([0, 0]);
  expect(Math.max(inBatch, padded)).toBeLessThanOrEqual(1e-5);
  expect(hits).toBeLessThanOrEqual(0.02);
  // the text of a vector keeps more of its own sentence than of the next one
  const own = await decodeCodes(model, await encodeTexts(model, texts));
  const kept = (shift: number): number =>
    texts.reduce((sum, _, i) => {
      const found = aish.sem(own[i]?.text as string);
      const wanted = aish.sem(texts[(i + shift) % texts.length] as string);
      return sum + (found && wanted ? aish.agree(found, wanted) / texts.length : 0);
    }, 0);
  expect(kept(0)).toBeGreaterThan(kept(1) + 0.1);
}, 120_000);

test('encode and decode go there and back through a file', async () => {
  const [sentences, codes] = [join(folder, 'new.txt'), join(folder, 'codes.jsonl')];
  await writeFile(sentences, 'the boy saw the box\nthe lass found the rug at night\n');
  expect(await json('encode', rtt, '--data', sentences, '--out', codes)).toEqual({ out: codes, rows: 2, dim: 32 });
  const { rows } = await json<{ rows: { text: string; finished: boolean }[] }>('decode', rtt, '--data', codes);
  const direct = await json<{ rows: { text: string; code: number[] }[] }>(
    'encode',
    rtt,
    '--text',
    'the boy saw the box',
  );
  expect(direct.rows[0]?.code).toHaveLength(32);
  expect(rows).toHaveLength(2);
  expect(rows[0]?.text.split(' ').length).toBeGreaterThan(2);
  const again = await run('decode', rtt, '--data', codes);
  expect(again.stdout.trim().split('\n')).toEqual(rows.map(({ text }) => text));
  const drawn = await json<{ rows: object[] }>('decode', rtt, '--sample', '5', '--temperature', '1');
  expect(drawn.rows).toHaveLength(5);
  expect(await json('decode', rtt, '--sample', '5', '--temperature', '1')).toEqual(drawn);
  // more than are decoded together: written piece after piece, each other vectors
  const many = join(folder, 'many.txt');
  expect(await json('decode', rtt, '--sample', '1030', '--out', many)).toEqual({ out: many, rows: 1030 });
  const lines = (await readFile(many, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(1030);
  expect(lines.slice(1024)).not.toEqual(lines.slice(0, 6));
});

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (executablePath === undefined) console.warn('explore: skipped, no Chromium is installed');

(executablePath === undefined ? test.skip : test)(
  'the page computes the way between two sentences as Node does, and fetches nothing',
  async () => {
    const out = join(folder, 'page.html');
    const texts = ['the boy saw the box', 'the angry girl found the old lamp'];
    const two = texts.flatMap((text) => ['--text', text]);
    const { models } = await json<{ models: string[] }>(
      ...['explore', rtt, '--compare', ae, ...two, '--backend', 'cpu', '--out', out],
    );
    expect(models).toEqual(['rtt', 'ae']);
    const browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      const [errors, requests]: [string[], string[]] = [[], []];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('request', (request) => requests.push(request.url()));
      await page.goto(pathToFileURL(out).href);
      await page.waitForFunction(`document.getElementById('status').textContent.startsWith('computed')`);
      const text = (): Promise<string> =>
        page.evaluate(`document.getElementById('text').textContent`) as Promise<string>;
      // the keyboard moves the slider from end to end
      await page.focus('#alpha');
      await page.keyboard.press('Home');
      const first = await text();
      await page.keyboard.press('End');
      const last = await text();
      const data = JSON.parse(/id="data">(.*?)<\/script>/s.exec(await readFile(out, 'utf8'))?.[1] ?? '') as never;
      const { Explorer } = await import('../src/vec2text/explore/explorer.ts');
      const explorer = await Explorer.open(data);
      const way = await explorer.path(texts as [string, string], 0);
      explorer.dispose();
      if ('field' in way) throw new Error(way.message);
      expect([first, last]).toEqual([way.points[0]?.text, way.points[20]?.text]);
      expect(way.points[0]?.similarity[0]).toBeCloseTo(1, 5);
      expect(way.typed[1]).toEqual(['girl', 'found', 'lamp', 'angry', 'old', '', '', '']);
      expect(await page.evaluate(`document.querySelectorAll('#slots tr').length`)).toBe(8);
      // what stands above the table, and what is said of a model of round trips alone
      const shown = (id: string): Promise<boolean> =>
        page.evaluate(`document.getElementById('${id}').checkVisibility()`) as Promise<boolean>;
      expect([await shown('meanings'), await shown('round-trips')]).toEqual([true, true]);
      expect(await page.evaluate(`document.querySelector('figcaption').textContent`)).toContain('similar to B');
      expect(await page.evaluate(`document.getElementById('curve').textContent`)).toBe('-101α = 0α = 1here');
      // typing computes the way anew, while the field has the focus; the slider picks among what is there
      const computed = `document.getElementById('result').getAttribute('aria-busy') === 'false'`;
      await page.focus('#a');
      await page.keyboard.press('End');
      await page.keyboard.type(' at night', { delay: 20 });
      await page.waitForFunction(
        `document.querySelectorAll('#slots tr')[6].children[1].textContent === 'at night' && ${computed}`,
      );
      expect(await page.evaluate(`document.activeElement.id`)).toBe('a');
      await page.selectOption('#model', '1');
      expect(await shown('round-trips')).toBe(false);
      await page.waitForFunction(computed);
      // an unknown word is told beside its field
      await page.fill('#b', 'the boy saw the elephant');
      await page.waitForFunction(`document.getElementById('problem-1').textContent.includes('elephant')`);
      expect(errors).toEqual([]);
      expect(requests.filter((url) => !url.startsWith('blob:'))).toEqual([pathToFileURL(out).href]);
    } finally {
      await browser.close();
    }
  },
  300_000,
);

test('an agent of fma-pg learns to answer with the vector of a long sentence, or of a short one, as it is asked', async () => {
  await useBackend('auto'); // the page's way above is computed as pages compute it
  using model = await loadVec2Text(join(rtt, 'model'));
  const share = (text: string): number => text.split(' ').length / 16;
  const env = () =>
    textEnv(model, {
      prompts: ['short', 'long'],
      observe: (prompt) => Float32Array.of(prompt === 'long' ? 1 : -1),
      reward: (prompts, texts) => texts.map((text, i) => (prompts[i] === 'long' ? share(text) : 1 - share(text))),
      seed: 0,
    });
  using agent = await OnPolicyAgent.create({
    ...{ env, numEnvs: 8, rollout: 8, epochs: 8, minibatches: 1, learningRate: 0.01, hidden: [32], seed: 1 },
    ...{ surrogate: surrogates.ppoClip(), normalize: { obs: false, reward: false } },
  });
  const before = await evaluate(agent, { episodes: 64, seed: 7 });
  await agent.run({ steps: 1536 });
  const after = await evaluate(agent, { episodes: 64, seed: 7 });
  expect(before.mean).toBeLessThan(0.6);
  expect(after.ci95[0]).toBeGreaterThan(before.ci95[1]);
}, 120_000);

test('refuses what cannot be done, before any work', async () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr } = await run(...argv);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await refused('encod', rtt)).toContain('Did you mean encode?');
  expect(await refused('encode', rtt)).toContain('nothing to encode');
  expect(await refused('decode')).toContain('either --data');
  expect(await refused('decode', '--sample', '1')).toContain('which model?');
  expect(await refused('invert', '--data', 'x.txt')).toContain('whose vectors?');
  expect(await refused('evaluate', '--resume')).toContain('only training is gone on with');
  const bad = join(folder, 'bad.jsonl');
  await writeFile(bad, '{"code":[1,2]}\n');
  expect((await run('decode', rtt, '--data', bad)).stderr).toContain('bad.jsonl:1');
  expect((await run('encode', rtt, '--text', 'the boy saw the elephant')).stderr).toContain('elephant');
  // the model: as a word or by its flag, not both; where there is none, it is said what there is
  const text = ['--text', 'the boy saw the box'];
  expect((await json<{ rows: object[] }>('encode', '--model', rtt, ...text)).rows).toHaveLength(1);
  expect(await refused('encode', rtt, '--model', ae, ...text)).toContain('two models are named');
  expect(await refused('encode', '--model', join(folder, 'nothing'), ...text)).toMatch(
    /gimbal vec2text encode: no such file or folder; got ".*nothing".*run of gimbal vec2text train/s,
  );
  const other = join(folder, 'other');
  await mkdir(other);
  await writeFile(join(other, 'config.json'), '{"command":"sft"}');
  expect(await refused('encode', other, ...text)).toContain('this is a run of gimbal sft that has no model');
  await writeFile(join(other, 'config.json'), '{"model_type":"gpt2"}');
  expect((await run('encode', other, ...text)).stderr).toMatch(
    /holds no vec2text model; got "gpt2", wanted gimbal-vec2text.*gimbal vec2text train/s,
  );
});

test('one’s own sentences: long ones are left out and the limit is said, no oracle is pretended, the page needs no more', async () => {
  const own = join(folder, 'own.txt');
  const { aish } = toyLanguages({ preset: 'typed' });
  const texts = aish.sentences(60, rng(5)).map((text) => `${text}.`.replace(/^./, (first) => first.toUpperCase()));
  const long = Array.from({ length: 8 }, (_, i) => new Array(90).fill(`word${i}`).join(' '));
  await writeFile(own, `${[...texts, ...long].join('\n')}\n`);
  const out = join(folder, 'mine');
  const sizes = ['--steps', '20', '--width', '16', '--vocabulary', '400', '--held-out', '0.5', '--objective', 'ae'];
  sizes.push('--samples', '20'); // as of evaluate below
  const learnt = await run('train', '--data', own, ...sizes, '--out', out);
  expect([learnt.code, learnt.stderr]).toEqual([
    0,
    expect.stringMatching(/longer than 63 tokens, left out: --max-length/),
  ]);
  expect(learnt.stderr).toMatch(/left out: the model reads at most 63 tokens/);
  expect(learnt.stdout).toContain('No oracle knows these sentences');
  // without --data it is not measured on a language that it does not know
  const none = await run('evaluate', out, '--out', join(folder, 'no-sentences'));
  expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/which sentences\?.*--data/s)]);
  const measured = await run('evaluate', out, '--data', own, '--samples', '20', '--out', join(folder, 'measured'));
  expect([measured.code, measured.stderr]).toEqual([
    0,
    expect.stringContaining('8 sentences left out: the model reads at most 63'),
  ]);
  expect(measured.stdout).toContain('No oracle knows these sentences');
  expect(measured.stdout).toMatch(/exactMatch\(\d+ to \d+ words\)/);
  const page = await readFile(join(folder, 'measured', 'report.html'), 'utf8');
  for (const title of ['short sentences, and of long ones', 'pairs of words known', 'Arithmetic', 'Ten texts sampled'])
    expect(page).toContain(title);
  // the page's sentences are those of training, and what is typed keeps its capitals
  const space = join(folder, 'mine.html');
  const twin = join(folder, 'twin');
  await cp(out, twin, { recursive: true });
  const named = await json<{ models: string[] }>('explore', out, '--compare', twin, '--out', space);
  expect(named.models).toEqual(['ae (mine)', 'ae (twin)']);
  const data = JSON.parse(/id="data">(.*?)<\/script>/s.exec(await readFile(space, 'utf8'))?.[1] ?? '') as ExploreData;
  expect(data.sentences).toEqual(texts);
  const { Explorer } = await import('../src/vec2text/explore/explorer.ts');
  const explorer = await Explorer.open(data);
  const way = await explorer.path([texts[0] as string, texts[1] as string], 0);
  explorer.dispose();
  using model = await loadVec2Text(Buffer.from(data.models[0]?.file as string, 'base64'));
  const [direct] = await decodeCodes(model, await encodeTexts(model, texts.slice(0, 1)));
  expect('points' in way && way.points[0]?.text).toBe(direct?.text);
  if (executablePath === undefined) return;
  // nothing is known of what they mean: no table, and no round trips were learnt
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(space).href);
    await page.waitForFunction(`document.getElementById('status').textContent.startsWith('computed')`);
    for (const id of ['meanings', 'round-trips'])
      expect(await page.evaluate(`document.getElementById('${id}').checkVisibility()`)).toBe(false);
  } finally {
    await browser.close();
  }
}, 180_000);

test('round trips of translators that were trained here between two languages and saved', async () => {
  const { aish, bex } = toyLanguages({ preset: 'typed' });
  const texts = aish.sentences(40, rng(7));
  const there = await bex.forward.translate(texts, { rng: rng(0) });
  const tokenizer = wordTokenizer([...aish.words, ...bex.words]);
  const folders = ['aish-bex', 'bex-aish'].map((name) => join(folder, name));
  for (const [i, path] of folders.entries()) {
    const pairs = texts.map((text, j): [string, string] => [text, there[j] as string]);
    if (i === 1) for (const pair of pairs) pair.reverse();
    using translator = await trainTranslator({
      name: path,
      pairs,
      tokenizer,
      steps: 20,
      width: 16,
      batchSize: 16,
      seed: 0,
    });
    const { model, params } = translator.parts;
    await saveSeq2Seq(path, model, params, { tokenizer });
  }
  const own = join(folder, 'translated.txt');
  await writeFile(own, texts.join('\n'));
  const out = join(folder, 'translated');
  const sizes = [
    '--steps',
    '3',
    '--width',
    '16',
    '--vocabulary',
    '300',
    '--held-out',
    '6',
    '--max-length',
    '64',
    '--samples',
    '20',
  ];
  const { code, stderr } = await run(
    'train',
    '--data',
    own,
    '--translators',
    [...folders, ...folders].join(','), // two pivots
    '--pivots-per-sentence',
    '2',
    '--trips-per-pivot',
    '1',
    ...sizes,
    '--out',
    out,
  );
  expect([code, stderr]).toEqual([0, expect.stringMatching(/translators 2: \d+ % come back as they were/)]);
  const wrong = ['--translators', `${join(folder, 'none')},${folders[1]}`];
  expect((await run('train', '--data', own, ...wrong, '--out', join(folder, 'w'))).stderr).toContain(
    'no such file or folder',
  );
}, 120_000);

const inverterSizes = (steps: number, batchSize: number, vocabulary: number): string[] => [
  ...['--steps', `${steps}`, '--width', '16', '--batch-size', `${batchSize}`],
  ...['--vocabulary', `${vocabulary}`, '--embedding-tokens', '2'],
];

test('an inverter is trained, its steps are shown for one text kept and for more, and it inverts vectors later', async () => {
  const [own, out, vectors] = ['inverse.txt', 'inverse', 'vectors.jsonl'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const texts = toyLanguages({ preset: 'typed' }).aish.sentences(60, rng(6));
  await writeFile(own, texts.join('\n'));
  const sizes = inverterSizes(12, 16, 300);
  const trained = await json<{ steps: { step: number; beams: number; cosine: number }[] }>(
    ...['invert', '--embedder', rtt, '--data', own, ...sizes, '--corrections', '2', '--beams', '2', '--out', out],
  );
  expect(trained.steps.map(({ step, beams }) => [step, beams])).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [1, 2],
    [2, 2],
  ]);
  const { rows } = await json<{ rows: { text: string; cosine: number; of: string }[] }>(
    ...['invert', out, '--text', texts[0] as string, '--corrections', '1'],
  );
  expect(rows).toEqual([{ text: expect.any(String), cosine: expect.any(Number), of: texts[0] }]);
  await json('encode', rtt, '--text', texts[0] as string, '--out', vectors);
  const again = await json<{ rows: object[] }>('invert', out, '--data', vectors, '--corrections', '1');
  expect(again.rows).toEqual([{ text: rows[0]?.text, cosine: expect.closeTo(rows[0]?.cosine as number, 5) }]);
  expect((await run('invert', out)).stderr).toContain('nothing to invert');
  // nothing is guessed for a corrector that is done
  const resumed = await run('invert', '--resume', '--out', out);
  expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringMatching(/corrector .*was done/)]);
  expect(resumed.stderr).not.toContain('guesses');
  const none = await run('invert', join(folder, 'no-inverter'), '--text', 'the boy');
  expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/run of gimbal vec2text invert --embedder/)]);
  expect((await run('invert', out, '--embedder', ae, '--text', 'the boy')).stderr).toContain(
    'another than that of training',
  );
}, 120_000);

test('a first stage that recovers every sentence leaves nothing to correct: it is saved alone, and that is said', async () => {
  const [own, out] = [join(folder, 'known.txt'), join(folder, 'known')];
  const texts = ['the boy saw the box', 'the lass found the rug', 'the king took the lamp'];
  await writeFile(own, texts.join('\n'));
  const small = inverterSizes(60, 4, 100);
  const guesses = ['--guesses', '1', '--guess-noise', '0', '--learning-rate', '0.02', '--beams', '2'];
  const made = ['--embedder', rtt, '--data', own, ...small, ...guesses, '--out', out];
  const { code, stdout, stderr } = await run('invert', ...made);
  expect([code, stderr]).toEqual([0, expect.stringContaining('there is no corrector to train, it is saved alone')]);
  expect(stdout.match(/^step .*$/gm)).toHaveLength(1);
  expect((await json<{ rows: object[] }>('invert', out, '--text', texts[0] as string)).rows).toHaveLength(1);
}, 120_000);
