// The errors that this package raises on purpose, alike to those of tensor-core, which it cannot import: data first
// (`code`, where, what, got, wanted, fix), the text built from it. What tfjs's own suite expects word for word stays
// tfjs's plain Error.

/** What an error says. */
interface Details {
  /** The function that noticed it. */
  where: string;
  /** What was wrong, as a short statement without a full stop. */
  what: string;
  /** What came, as text. */
  got?: string;
  /** What would have been right. */
  wanted?: string;
  /** What to do about it, as a sentence without a full stop. */
  fix?: string;
  /** The error underneath. */
  cause?: unknown;
}

/** A call that cannot be carried out. Tell its kind by `code`. */
export class NativeError extends Error implements Details {
  /** What kind of thing went wrong, in tensor-core's words. */
  readonly code: 'ERR_SHAPE' | 'ERR_CONFIG' | 'ERR_BACKEND';
  /** The function that noticed it. */
  readonly where: string;
  /** What was wrong. */
  readonly what: string;
  /** What came. */
  declare readonly got?: string;
  /** What would have been right. */
  declare readonly wanted?: string;
  /** What to do about it. */
  declare readonly fix?: string;

  constructor(code: NativeError['code'], details: Details) {
    super(message(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'NativeError';
    this.code = code;
    this.where = details.where;
    this.what = details.what;
    const { got, wanted, fix } = details;
    Object.assign(this, got !== undefined && { got }, wanted !== undefined && { wanted }, fix !== undefined && { fix });
  }
}

/** `where: what; got X, wanted Y. Fix.` with the absent parts left out. */
function message({ where, what, got, wanted, fix }: Details): string {
  const facts = [got === undefined ? '' : `got ${got}`, wanted === undefined ? '' : `wanted ${wanted}`].filter(Boolean);
  const statement = `${where}: ${[what, facts.join(', ')].filter(Boolean).join('; ')}`;
  return fix === undefined ? statement : `${statement}. ${fix}.`;
}
