// What a report is made of. Stages return parts; the report lays them out. Data only: no HTML leaves a stage.

/** One line of a chart. */
export interface Series {
  /** in the legend */
  name: string;
  /** x, y */
  points: readonly (readonly [number, number])[];
  /** x, low, high: an interval around the line, drawn as a band */
  band?: readonly (readonly [number, number, number])[];
  /** draw the line dashed: a reference, a second quantity */
  dashed?: boolean;
}

/** Lines over a number. */
export interface ChartPart {
  kind: 'chart';
  /** above it */
  title: string;
  /** what the reader should see in it, in a sentence */
  caption?: string;
  /** of the axis below */
  xName: string;
  /** of the axis at the side */
  yName: string;
  /** the lines, in the order of the legend */
  series: readonly Series[];
  /** whether the axis at the side is logarithmic; default false */
  logY?: boolean;
  /** values without noise: drawn as they are, however many, with no mean over them; default false */
  isExact?: boolean;
  /** for quantities whose size matters: the axis starts at 0 */
  fromZero?: boolean;
}

/** Rows of texts and scores. */
export interface TablePart {
  kind: 'table';
  /** above it */
  title: string;
  /** what the reader should see in it, in a sentence */
  caption?: string;
  /** a name per column */
  head: readonly string[];
  /** a cell per column */
  rows: readonly (readonly (string | ScoreCell)[])[];
}

/** A number with the interval it is known to; `emphasis` marks the best. */
export interface ScoreCell {
  /** the number, rounded for a reader */
  text: string;
  /** smaller, behind: `± 3.1`, `[0.29, 0.35]` */
  detail?: string;
  /** whether it is the best */
  emphasis?: boolean;
  /** 0…1: a bar behind the text */
  share?: number;
}

/** The numbers at the top. */
export interface FiguresPart {
  kind: 'figures';
  /** a few, each with a word for what it is */
  items: readonly { label: string; value: string; detail?: string }[];
}

/** A stretch of text, with what an oracle says about it. */
export interface TextSpan {
  /** a few words, as they stand in the text */
  text: string;
  /** what the oracle says; absent: nothing */
  mark?: 'entailed' | 'contradicted' | 'neutral' | 'malformed' | 'right' | 'wrong';
}

/** What several versions wrote for the same prompts. */
export interface SamplesPart {
  kind: 'samples';
  /** above them */
  title: string;
  /** what the reader should see in them, in a sentence */
  caption?: string;
  /** explains the marks in use */
  legend?: readonly { mark: NonNullable<TextSpan['mark']>; text: string }[];
  /** prompts, each with what every version wrote */
  samples: readonly { prompt: string; versions: readonly { name: string; spans: readonly TextSpan[] }[] }[];
}

/** Commands to go on with. */
export interface CommandsPart {
  kind: 'commands';
  /** above them */
  title: string;
  /** each with what it does */
  items: readonly { text: string; command: string }[];
}

/** The options of the run. */
export interface OptionsPart {
  kind: 'options';
  /** above them */
  title: string;
  /** name and value of each option, by stage */
  groups: readonly { name: string; values: readonly (readonly [string, string])[] }[];
}

/** Anything that a section can hold. */
export type ReportPart = FiguresPart | ChartPart | TablePart | SamplesPart | CommandsPart | OptionsPart;

/** Where a section stands in the report, in this order. */
export const slots = ['lead', 'samples', 'scores', 'learning', 'details'] as const;

/** What a stage adds to the report. */
export interface ReportSection {
  /** `lead`: title and text become the page's, the parts stand below them; the last stage's lead is taken */
  slot: (typeof slots)[number];
  /** sections of one slot with the same title become one */
  title: string;
  /** a paragraph below the title */
  text?: string;
  /** below the text, in order */
  parts: readonly ReportPart[];
}
