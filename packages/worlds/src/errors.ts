/** What a {@link WorldError} says, as data. */
export interface WorldErrorDetails {
  /** The world and the call, for example `newsroom` or `newsroom.encode`. */
  where: string;
  /** What is wrong. */
  what: string;
  /** What was found. */
  got?: unknown;
  /** What would have been right. */
  wanted?: unknown;
  /** What to do about it. */
  fix?: string;
}

/** A wrong option or a text that the world cannot read: what, where, got, wanted, what to do. */
export class WorldError extends Error {
  override readonly name = 'WorldError';
  /** `config` for an option, `data` for a text. */
  readonly code: 'config' | 'data';
  /** The world and the call. */
  readonly where: string;
  /** What was found. */
  readonly got: unknown;
  /** What would have been right. */
  readonly wanted: unknown;
  /** What to do about it. */
  readonly fix: string | undefined;

  constructor(code: 'config' | 'data', { where, what, got, wanted, fix }: WorldErrorDetails) {
    const values = [got === undefined ? '' : `got ${show(got)}`, wanted === undefined ? '' : `wanted ${show(wanted)}`];
    const detail = values.filter(Boolean).join(', ');
    super(`${where}: ${what}${detail && `; ${detail}`}.${fix ? ` ${fix}` : ''}`);
    this.code = code;
    this.where = where;
    this.got = got;
    this.wanted = wanted;
    this.fix = fix;
  }
}

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
