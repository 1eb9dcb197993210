import { watchInterrupts } from './interrupt.ts';
import { Output } from './output.ts';

test('Ctrl-C, whoever ends the process group, and a terminal that closes ask the work to stop and save', () => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    let told = '';
    const write = (text: string): boolean => {
      told += text;
      return true;
    };
    const stream = { write };
    const before = process.listenerCount(name);
    const { signal, release } = watchInterrupts(new Output({ stdout: stream, stderr: stream } as never, false));
    expect(signal.aborted).toBe(false);
    process.emit(name);
    expect(signal.aborted).toBe(true);
    expect(told).toContain('stopping after this step and saving');
    release();
    expect(process.listenerCount(name)).toBe(before);
  }
});
