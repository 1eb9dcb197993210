// What is read of a log that was damaged.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MetricsLog, readMetrics } from './metrics-log.node.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metrics-log-'));
});
afterAll(() => rm(folder, { recursive: true }));
const write = (text: string): Promise<void> => writeFile(join(folder, 'metrics.jsonl'), text);

test('a last line that was not finished is passed over, with its line end or without; one before it is named', async () => {
  const rows = [{ step: 1, loss: 2 }];
  for (const end of ['{"step":', '{"step":\n', '5\n', '']) {
    await write(`{"step":1,"loss":2}\n${end}`);
    expect(await readMetrics(folder)).toEqual(rows);
    await (await MetricsLog.open(folder, 1)).close(); // a resumed run begins with what is whole
    expect(await readFile(join(folder, 'metrics.jsonl'), 'utf8')).toBe('{"step":1,"loss":2}\n');
  }
  for (const line of ['{"step":', 'null', '{"loss":1}']) {
    await write(`{"step":1}\n\n${line}\n{"step":3}\n`);
    await expect(readMetrics(folder)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('metrics.jsonl:3: no row of metrics'),
    });
  }
});
