// Where words go. With --json only the result stands on stdout; everything a person reads goes to stderr. Without it the
// person's result goes to stdout, and progress and notes to stderr, so that both can be piped apart.
import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { tellEnd } from './told-end.ts';

/** Where a command writes. */
export interface Streams {
  /** the result */
  stdout: Writable & { isTTY?: boolean; columns?: number };
  /** progress and notes */
  stderr: Writable & { isTTY?: boolean; columns?: number };
}

export type Colors = ReturnType<typeof pc.createColors>;

/** What a command prints: its result, and notes about the work, each to its stream. */
export class Output {
  /** colours for stderr text */
  readonly noteColors: Colors;
  private asJson: boolean;
  /** a progress line that must be wiped before other text */
  private transient = false;

  constructor(
    private readonly streams: Streams,
    json: boolean,
  ) {
    this.asJson = json;
    this.noteColors = colorsOf(streams.stderr);
  }

  /** Whether only the result for a program stands on stdout. */
  get json(): boolean {
    return this.asJson;
  }

  /** Once all options are read: a config file may say json, a flag may take it back. */
  useJson(json: boolean): void {
    this.asJson = json;
  }

  /** colours for the text of the result */
  get colors(): Colors {
    return colorsOf(this.reader);
  }

  /** where notes go */
  get stderr(): Streams['stderr'] {
    return this.streams.stderr;
  }

  private get reader(): Streams['stdout'] {
    return this.asJson ? this.streams.stderr : this.streams.stdout;
  }

  /** A reader that leaves early (`gimbal … | head`) ends neither the work nor the files it writes. */
  outliveReaders(): void {
    for (const stream of [this.streams.stdout, this.streams.stderr]) {
      if (!stream.listeners('error').includes(ignoreClosed)) stream.on('error', ignoreClosed);
    }
  }

  /** Whether the reader of the result has left: what is still written reaches nobody. */
  get unread(): boolean {
    return left.has(this.reader);
  }

  /** Whether progress may rewrite its line. */
  get live(): boolean {
    return isTerminal(this.streams.stderr);
  }

  /** Columns of the terminal (100 where there is none, or one that does not know). */
  get width(): number {
    return this.streams.stderr.columns || 100;
  }

  /** A line of the result, for a person. */
  line(text = ''): void {
    this.wipe();
    this.reader.write(`${text}\n`);
  }

  /** A piece of the result, as it comes; without --json only. */
  write(text: string): void {
    this.wipe();
    this.reader.write(text);
  }

  /** A line about the work: progress, warnings, where files went. */
  note(text: string): void {
    this.wipe();
    this.streams.stderr.write(`${text}\n`);
  }

  /** A line that the next one replaces (terminals only). */
  status(text: string): void {
    this.streams.stderr.write(`\r\u001b[2K${text}`);
    this.transient = true;
  }

  /** The result for a program. */
  result(value: unknown): void {
    this.wipe();
    if (this.json) this.streams.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  private wipe(): void {
    if (this.transient) this.streams.stderr.write('\r\u001b[2K');
    this.transient = false;
  }
}

const colorsOf = (stream: { isTTY?: boolean }): Colors =>
  pc.createColors(process.env.NO_COLOR ? false : isTerminal(stream) || Boolean(process.env.FORCE_COLOR));

/** A dumb one shows the characters that move the cursor and colour text, instead of obeying them. */
const isTerminal = (stream: { isTTY?: boolean }): boolean => Boolean(stream.isTTY) && process.env.TERM !== 'dumb';

/** streams whose reader has left */
const left = new WeakSet<object>();

/** Nobody reads any more: not a failure. Any other fault of a stream, such as a full disk, ends the process with 1. */
function ignoreClosed(this: { isTTY?: boolean }, error: NodeJS.ErrnoException): void {
  // a terminal that was closed is EIO, which of a file is a fault
  if (error.code === 'EPIPE' || (error.code === 'EIO' && this.isTTY)) {
    left.add(this);
    return;
  }
  process.stderr.write(`error the output cannot be written: ${error.message}\n`);
  tellEnd();
  process.exit(1);
}
