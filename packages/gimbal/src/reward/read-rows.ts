// The rows of gimbal reward and gimbal warm: of the kind of model that is asked for, and looked at one by one before a model
// is opened.
import type { Dataset, RowKind } from '@gimbal/language-models';
import { DataError } from '@gimbal/tensor-core';

/** Which rows are read. */
export interface PairReading {
  kind: 'bradley-terry' | 'pairwise' | 'entailment';
  columns?: Readonly<Record<string, string>> | undefined;
}

/** Kinds of rows that hold two answers. */
const pairKinds: readonly RowKind[] = [
  'preference',
  'implicit-preference',
  'conversation-preference',
  'conversation-implicit-preference',
];

/**
 * Rows with two answers, or labelled pairs of texts for a judge. Cells of .csv are text: those of `label`, `margin` and
 * `weight` of two answers are read as numbers, and empty ones as absent.
 * @throws ConfigError for a file that cannot be read; DataError naming file and line for a row that is malformed, or, of
 * rows for another kind of model, the --kind that has a use for them. Conversations are rendered, and so looked at, when
 * there is a tokenizer
 */
export async function readPairRows(file: string, { kind, columns }: PairReading): Promise<Dataset> {
  const { readRows } = await import('@gimbal/language-models');
  const named = columns === undefined ? {} : { columns };
  if (kind === 'entailment') {
    const reading = { ...named, kind: 'labelled-pair' as const, usable: ['labelled-pair' as const] };
    return readRows(file, reading).catch(async (error: DataError) => {
      const other = error.code === 'ERR_DATA' ? await readRows(file, named).catch(() => undefined) : undefined;
      if (other === undefined || !pairKinds.includes(other.kind)) throw error;
      throw new DataError({
        where: other.where(0),
        what: 'a judge learns from labelled pairs of texts, and these rows hold two answers',
        got: other.kind,
        wanted: 'premise, hypothesis, label',
        fix: 'Did you mean --kind bradley-terry, or pairwise?',
        cause: error,
      });
    });
  }
  const data = await readRows(file, { ...named, usable: pairKinds as RowKind[] });
  if (!pairKinds.includes(data.kind)) {
    throw new DataError({
      where: data.where(0),
      what: 'rows of this kind hold no pair of answers',
      got: data.kind,
      wanted: 'prompt, chosen, rejected',
      fix:
        data.kind === 'labelled-pair'
          ? 'Did you mean --kind entailment?'
          : 'Name the columns, for example --columns prompt=question,chosen=better,rejected=worse',
    });
  }
  const rows = /\.csv$/i.test(file) ? withNumbers(data) : data;
  const { pairTexts } = await import('@gimbal/reward-models');
  if (!rows.kind.startsWith('conversation')) pairTexts(rows);
  return rows;
}

/** A number as spreadsheets write it; what else Number() takes ('', '0x10', 'Infinity') is left for the check of rows. */
const decimal = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;

function withNumbers(data: Dataset): Dataset {
  const rows = data.rows.map((row) => {
    const cells: Record<string, unknown> = { ...row };
    for (const name of ['label', 'margin', 'weight']) {
      const cell = cells[name];
      if (typeof cell !== 'string') continue;
      if (cell.trim() === '') delete cells[name];
      else if (decimal.test(cell)) cells[name] = Number(cell);
      else if (name === 'label' && /^(?:true|false)$/i.test(cell)) cells[name] = cell.toLowerCase() === 'true';
    }
    return cells;
  });
  return { ...data, rows } as unknown as Dataset;
}
