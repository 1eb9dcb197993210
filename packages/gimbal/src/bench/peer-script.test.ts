import { runPeerScript } from './peer-script.ts';

const root = new URL('../', import.meta.url);
const program = process.env.PYTHON;
afterEach(() => {
  if (program === undefined) delete process.env.PYTHON;
  else process.env.PYTHON = program;
});

// Node stands in for Python: the script's name is its first word
const script = 'no-such-script.mjs';

test('a script that fails says what it printed last, one that cannot start what to set', async () => {
  process.env.PYTHON = process.execPath;
  await expect(runPeerScript(root, script, [], new AbortController().signal)).rejects.toThrow(
    /peer no-such-script.mjs: the peer failed: it ended with 1\n.*MODULE_NOT_FOUND/s,
  );
  process.env.PYTHON = 'no-such-python';
  await expect(runPeerScript(root, script, [], new AbortController().signal)).rejects.toThrow(
    /the peer failed: spawn no-such-python ENOENT.*Set PYTHON/s,
  );
});

test('a signal ends it', async () => {
  process.env.PYTHON = process.execPath;
  await expect(runPeerScript(root, script, [], AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_STOPPED' });
});
