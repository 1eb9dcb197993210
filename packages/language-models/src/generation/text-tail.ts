// The text of a completion while it grows. What is given out never has to be taken back: half a character (its bytes are
// spread over tokens) and what may be the beginning of a stop string wait until the next tokens decide.
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export class TextTail {
  readonly #tokenizer: Tokenizer;
  readonly #stops: readonly string[];
  /** Decoders that strip the first token's space need a token before: the last one that is text (empty for byte level). */
  readonly #strips: boolean;
  #before: readonly number[] = [];
  /** Tokens since the last that ended a character. */
  #ids: number[] = [];
  /** How much of their text is given out or held already. */
  #given = 0;
  /** Text that is whole but may belong to a stop string. */
  #held = '';
  #ready = '';
  /** Whether a stop string was found; the text then ends before it. */
  stopped = false;

  constructor(tokenizer: Tokenizer, stops: readonly string[]) {
    this.#tokenizer = tokenizer;
    this.#stops = stops.filter((stop) => stop !== '');
    this.#strips = tokenizer.json.decoder?.type !== 'ByteLevel';
  }

  /** Adds a token. @returns whether a stop string is complete */
  add(id: number): boolean {
    this.#ids.push(id);
    const text = this.#decode(this.#ids);
    // the first bytes of a character, at most three, show as U+FFFD until the others are there
    let whole = text.length;
    while (whole > 0 && text.length - whole < 3 && text[whole - 1] === '\ufffd') whole--;
    this.#settle(this.#held + text.slice(this.#given, whole));
    this.#given = whole;
    const open = text.slice(whole);
    if (open === '') {
      if (this.#strips && this.#decodes(id)) this.#before = [id];
      this.#restart([]);
    }
    // bytes that are no text: only the last three may still begin a character
    else if (this.#ids.length >= 8) {
      const last = this.#ids.slice(-3);
      const shown = this.#decode(last).length;
      this.#settle(this.#held + open.slice(0, Math.max(open.length - shown, 0)));
      this.#restart(last, Math.max(shown - open.length, 0));
    }
    return this.stopped;
  }

  /** The text that is certain since the last call. */
  take(): string {
    const text = this.#ready;
    this.#ready = '';
    return text;
  }

  /** The rest, when no more tokens come. */
  finish(): string {
    if (!this.stopped) {
      this.#ready += this.#held + (this.#ids.length > 0 ? this.#decode(this.#ids).slice(this.#given) : '');
    }
    this.#held = '';
    this.#restart([]);
    return this.take();
  }

  /** Text that is more than a byte, so that nothing after it is read together with it. */
  #decodes(id: number): boolean {
    return !this.#tokenizer.isSpecial(id) && !/^<0x[0-9a-f]{2}>$/i.test(this.#tokenizer.token(id) ?? '');
  }

  /** The text of tokens that follow `#before`. */
  #decode(ids: readonly number[]): string {
    if (this.#before.length === 0) return this.#tokenizer.decodeIds(ids);
    const skip = this.#tokenizer.decodeIds(this.#before).length;
    return this.#tokenizer.decodeIds([...this.#before, ...ids]).slice(skip);
  }

  #restart(ids: number[], given = 0): void {
    this.#ids = ids;
    this.#given = given;
  }

  #settle(text: string): void {
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.stopped = true;
      this.#ready += text.slice(0, Math.min(...found));
      this.#held = '';
      return;
    }
    let hold = 0; // length of the longest end of the text that begins a stop string
    for (const stop of this.#stops) {
      for (let n = Math.min(stop.length - 1, text.length); n > hold; n--) {
        if (text.endsWith(stop.slice(0, n))) hold = n;
      }
    }
    this.#ready += text.slice(0, text.length - hold);
    this.#held = text.slice(text.length - hold);
  }
}
