import { watchInterrupts } from './interrupt.ts';
import { Output } from './output.ts';

test.each([true, false])(
  'Ctrl-C, whoever ends the process group, and a terminal that closes ask the work to stop; saves: %s',
  (saves) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      let told = '';
      const write = (text: string): boolean => {
        told += text;
        return true;
      };
      const stream = { write };
      const before = process.listenerCount(name);
      const interrupts = watchInterrupts(new Output({ stdout: stream, stderr: stream } as never, false));
      const { signal, release } = interrupts;
      interrupts.saves = saves;
      expect(signal.aborted).toBe(false);
      process.emit(name);
      expect(signal.aborted).toBe(true);
      expect(told).toContain(saves ? 'stopping after this step and saving;' : 'stopping after this step; press');
      release();
      // one that waits for a person has no step
      told = '';
      const idle = watchInterrupts(new Output({ stdout: stream, stderr: stream } as never, false));
      idle.waits = true;
      process.emit(name);
      expect([idle.signal.aborted, told]).toEqual([true, '']);
      idle.release();
      expect(process.listenerCount(name)).toBe(before);
    }
  },
);
