// Rows of a data set. A kind is named by the columns it needs; whatever other columns a row has are carried along.

/** Plain text to learn to write. */
export interface TextRow {
  /** What is learned, every token of it. */
  text: string;
  [column: string]: unknown;
}

/** A prompt and what should follow it. */
export interface PromptCompletionRow {
  /** What stands before the completion; its tokens are not learned. */
  prompt: string;
  /** What is learned, and the end token after it. */
  completion: string;
  [column: string]: unknown;
}

/** The row of each kind, by the kind's name. */
export interface RowKinds {
  /** Plain text. */
  text: TextRow;
  /** A prompt and what should follow it. */
  'prompt-completion': PromptCompletionRow;
}

/** The kinds of rows that are known. */
export type RowKind = keyof RowKinds;

/** The columns of each kind; all of them hold strings. */
export const rowColumns: Readonly<Record<RowKind, readonly string[]>> = {
  text: ['text'],
  'prompt-completion': ['prompt', 'completion'],
};

/** Rows of one kind, each with the place it came from. */
export interface Dataset<K extends RowKind = RowKind> {
  /** The kind that all rows are of. */
  readonly kind: K;
  /** The rows, in the order of the file; at least one. */
  readonly rows: readonly RowKinds[K][];
  /** Where row `index` came from, for messages: `rows.jsonl:12`. */
  where(index: number): string;
}

/** Whether a data set holds rows of this kind. */
export const isKind = <K extends RowKind>(data: Dataset, kind: K): data is Dataset<K> => data.kind === kind;
