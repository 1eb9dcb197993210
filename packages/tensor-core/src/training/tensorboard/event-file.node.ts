/** Appends scalars to a TensorBoard event file: `tensorboard --logdir runs` shows the run while it goes on. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../io/make-folder.node.ts';
import { fileVersionEvent, record, scalarsEvent, sessionStartEvent } from './event.ts';

/** A TensorBoard event file, open for appending. */
export class EventFile {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /**
   * Starts a new file; TensorBoard reads all files of a folder.
   * @param resumeAt the step after which a resumed run goes on: what earlier files say about later steps is forgotten
   */
  static async create(folder: string, resumeAt?: number): Promise<EventFile> {
    await makeFolder(folder);
    const seconds = Date.now() / 1000;
    // the name must sort after those of earlier sessions
    const stem = `events.out.tfevents.${String(Math.floor(seconds)).padStart(10, '0')}.gimbal.${process.pid}`;
    for (let n = 0; ; n++) {
      const path = join(folder, `${stem}.${n}`);
      const file = await open(path, 'wx').catch((error: unknown) => {
        if ((error as { code?: string }).code === 'EEXIST') return undefined;
        throw error;
      });
      if (file === undefined) continue;
      await file.write(record(fileVersionEvent(seconds)));
      if (resumeAt !== undefined) await file.write(record(sessionStartEvent(seconds, resumeAt + 1)));
      return new EventFile(path, file);
    }
  }

  /** Appends the scalars of a step. */
  async scalars(step: number, scalars: Readonly<Record<string, number>>): Promise<void> {
    await this.file.write(record(scalarsEvent(Date.now() / 1000, step, scalars)));
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.file.close();
  }
}
