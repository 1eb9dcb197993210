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

/** One turn of a conversation, as chat templates see it. */
export interface Message {
  /** `system`, `user`, `assistant`, `tool`, or what else the template knows. */
  role: string;
  /** Text, or typed parts for templates that take them. */
  content: string | readonly Record<string, unknown>[];
  [field: string]: unknown;
}

type Columns<C> = C & { [column: string]: unknown };

/** The row of each kind, by the kind's name. */
export interface RowKinds {
  /** Plain text. */
  text: TextRow;
  /** A prompt and what should follow it. */
  'prompt-completion': PromptCompletionRow;
  /** what a model is to be asked; only by name, as every other kind with a prompt has it too */
  prompt: Columns<{ prompt: string }>;
  /** the better and the worse of two completions */
  preference: Columns<{ prompt: string; chosen: string; rejected: string }>;
  /** the better and the worse of two whole texts */
  'implicit-preference': Columns<{ chosen: string; rejected: string }>;
  /** a completion, and whether it is wanted */
  'unpaired-preference': Columns<{ prompt: string; completion: string; label: boolean }>;
  /** the steps of a solution, and which of them are right */
  stepwise: Columns<{ prompt: string; completions: readonly string[]; labels: readonly boolean[] }>;
  /** a text and its class; only by name, as plain text may have a label beside it */
  'labelled-text': Columns<{ text: string; label: string | number | boolean | readonly (string | number)[] }>;
  /** two texts that are read together, and their class */
  'labelled-pair': Columns<{
    premise: string;
    hypothesis: string;
    label: string | number | boolean | readonly (string | number)[];
  }>;
  /** a whole conversation */
  conversation: Columns<{ messages: readonly Message[] }>;
  /** turns for the model to answer */
  'conversation-prompt': Columns<{ prompt: readonly Message[] }>;
  /** turns, and the answer to be learnt */
  'conversation-completion': Columns<{ prompt: readonly Message[]; completion: readonly Message[] }>;
  /** turns with a better and a worse answer */
  'conversation-preference': Columns<{
    prompt: readonly Message[];
    chosen: readonly Message[];
    rejected: readonly Message[];
  }>;
  /** turns, an answer, and whether it is wanted */
  'conversation-unpaired-preference': Columns<{
    prompt: readonly Message[];
    completion: readonly Message[];
    label: boolean;
  }>;
  /** two conversations that begin alike */
  'conversation-implicit-preference': Columns<{ chosen: readonly Message[]; rejected: readonly Message[] }>;
}

/** The kinds of rows that are known. */
export type RowKind = keyof RowKinds;

/** What a column holds. */
export type ColumnType = 'text' | 'texts' | 'boolean' | 'booleans' | 'label' | 'messages';

/** The columns of each kind, with what they hold. */
export const columnTypes: { readonly [K in RowKind]: Readonly<Record<string, ColumnType>> } = {
  text: { text: 'text' },
  'prompt-completion': { prompt: 'text', completion: 'text' },
  prompt: { prompt: 'text' },
  preference: { prompt: 'text', chosen: 'text', rejected: 'text' },
  'implicit-preference': { chosen: 'text', rejected: 'text' },
  'unpaired-preference': { prompt: 'text', completion: 'text', label: 'boolean' },
  stepwise: { prompt: 'text', completions: 'texts', labels: 'booleans' },
  'labelled-text': { text: 'text', label: 'label' },
  'labelled-pair': { premise: 'text', hypothesis: 'text', label: 'label' },
  conversation: { messages: 'messages' },
  'conversation-prompt': { prompt: 'messages' },
  'conversation-completion': { prompt: 'messages', completion: 'messages' },
  'conversation-preference': { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  'conversation-unpaired-preference': { prompt: 'messages', completion: 'messages', label: 'boolean' },
  'conversation-implicit-preference': { chosen: 'messages', rejected: 'messages' },
};

/** The names of the columns of each kind. */
export const rowColumns = Object.fromEntries(
  Object.entries(columnTypes).map(([kind, columns]) => [kind, Object.keys(columns)]),
) as unknown as Readonly<Record<RowKind, readonly string[]>>;

/** Kinds that the first row does not decide by itself: their columns also stand in rows of other kinds. */
export const namedKinds: ReadonlySet<RowKind> = new Set(['prompt', 'labelled-text', 'conversation-prompt']);

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
