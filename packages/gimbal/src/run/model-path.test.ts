import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adapterPath, modelPath } from './model-path.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'model-path-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function make(name: string, inside: { [file: string]: object }): string {
  for (const [file, json] of Object.entries(inside)) {
    mkdirSync(join(folder, name, file, '..'), { recursive: true });
    writeFileSync(join(folder, name, file), JSON.stringify(json));
  }
  return join(folder, name);
}

test("a model's folder is itself, a run's is the model it has made", async () => {
  const model = make('plain', { 'config.json': { model_type: 'llama' } });
  expect(await modelPath(model, '--model')).toBe(model);
  const run = make('run', { 'config.json': { command: 'align' }, 'model/config.json': { model_type: 'llama' } });
  expect(await modelPath(run, '--model')).toBe(join(run, 'model'));
  const average = { 'config.json': { command: 'warm' }, 'warm/model/config.json': { model_type: 'llama' } };
  const averaged = make('averaged', average);
  expect(await modelPath(averaged, '--reward')).toBe(join(averaged, 'warm', 'model'));
});

test('a run is found by its name in runs/, as --out took it', async () => {
  const run = { 'config.json': { command: 'sft' }, 'adapter/adapter_config.json': {} };
  make('runs/tuned', run);
  make('runs/mine', { 'config.json': { command: 'align' }, 'model/config.json': { model_type: 'llama' } });
  const before = process.cwd();
  process.chdir(folder);
  try {
    expect(await modelPath('mine', '--model')).toBe(join('runs', 'mine', 'model'));
    expect(adapterPath('tuned')).toBe(join('runs', 'tuned', 'adapter'));
    await expect(modelPath('other', '--model')).rejects.toThrow(/got "other".*the name of a run from runs/s);
  } finally {
    process.chdir(before);
  }
});

test("an adapter's folder is itself, a run's is the adapter it has made", () => {
  const adapter = make('peft', { 'adapter_config.json': {} });
  expect(adapterPath(adapter)).toBe(adapter);
  const run = make('tuned', { 'config.json': { command: 'sft' }, 'adapter/adapter_config.json': {} });
  expect(adapterPath(run)).toBe(join(run, 'adapter'));
  expect(() => adapterPath(join(folder, 'none'))).toThrow(/no such folder; got ".*none"/);
  const whole = make('whole', { 'config.json': { model_type: 'llama' }, 'model.safetensors': {} });
  expect(() => adapterPath(whole)).toThrow(/this is a whole model, no adapter.*Give it as --model/s);
  expect(() => adapterPath(folder)).toThrow('this folder holds no adapter');
});

test('what holds no model is refused as wrong usage, with what to do', async () => {
  await expect(modelPath(join(folder, 'none'), 'gimbal sft --model')).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringMatching(/^gimbal sft --model: no such file or folder; got ".*none"/),
  });
  const stopped = make('stopped', { 'config.json': { command: 'sft' } });
  await expect(modelPath(stopped, '--model')).rejects.toThrow(`npx gimbal sft --out ${stopped} --resume`);
  const alone = make('alone', { 'adapter_config.json': {} });
  await expect(modelPath(alone, '--model')).rejects.toThrow(`this is an adapter, no whole model; got "${alone}"`);
  const adapter = make('adapter', { 'config.json': { command: 'sft' }, 'adapter/adapter_config.json': {} });
  await expect(modelPath(adapter, '--model')).rejects.toThrow(`--adapter ${join(adapter, 'adapter')}`);
});
