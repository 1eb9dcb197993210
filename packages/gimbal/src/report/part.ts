// What a report is made of. Stages return parts; the report lays them out. Data only: no HTML leaves a stage.

export interface Series {
  name: string;
  /** x, y */
  points: readonly (readonly [number, number])[];
  /** draw the line dashed: a reference, a second quantity */
  dashed?: boolean;
}

export interface ChartPart {
  kind: 'chart';
  title: string;
  /** what the reader should see in it, in a sentence */
  caption?: string;
  xName: string;
  yName: string;
  series: readonly Series[];
  logY?: boolean;
  /** for quantities whose size matters: the axis starts at 0 */
  fromZero?: boolean;
}

export interface TablePart {
  kind: 'table';
  title: string;
  caption?: string;
  head: readonly string[];
  rows: readonly (readonly (string | ScoreCell)[])[];
}

/** A number with the interval it is known to; `emphasis` marks the best. */
export interface ScoreCell {
  text: string;
  /** smaller, behind: `± 3.1`, `[0.29, 0.35]` */
  detail?: string;
  emphasis?: boolean;
  /** 0…1: a bar behind the text */
  share?: number;
}

/** The numbers at the top. */
export interface FiguresPart {
  kind: 'figures';
  items: readonly { label: string; value: string; detail?: string }[];
}

/** A stretch of text, with what an oracle says about it. */
export interface TextSpan {
  text: string;
  mark?: 'entailed' | 'contradicted' | 'neutral' | 'malformed' | 'right' | 'wrong';
}

export interface SamplesPart {
  kind: 'samples';
  title: string;
  caption?: string;
  /** explains the marks in use */
  legend?: readonly { mark: NonNullable<TextSpan['mark']>; text: string }[];
  samples: readonly { prompt: string; versions: readonly { name: string; spans: readonly TextSpan[] }[] }[];
}

export interface CommandsPart {
  kind: 'commands';
  title: string;
  items: readonly { text: string; command: string }[];
}

export interface OptionsPart {
  kind: 'options';
  title: string;
  groups: readonly { name: string; values: readonly (readonly [string, string])[] }[];
}

export type ReportPart = FiguresPart | ChartPart | TablePart | SamplesPart | CommandsPart | OptionsPart;

/** Where a section stands in the report, in this order. */
export const slots = ['lead', 'samples', 'scores', 'learning', 'details'] as const;

/** What a stage adds to the report. */
export interface ReportSection {
  /** `lead`: title and text become the page's, the parts stand below them; the last stage's lead is taken */
  slot: (typeof slots)[number];
  /** sections of one slot with the same title become one */
  title: string;
  text?: string;
  parts: readonly ReportPart[];
}
