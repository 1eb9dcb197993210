import { Writable } from 'node:stream';
import { Output } from './output.ts';
import { Progress } from './progress.ts';

test('without colours the bar still shows how far it is', () => {
  let text = '';
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  new Progress(new Output({ stdout: stderr, stderr }, false), 'pretrain').update({ step: 1, total: 4 });
  expect(text).toBe(`· pretrain     ${'━'.repeat(5)}${'┄'.repeat(15)}  1/4\n`);
});
