// What `gimbal reward` and `gimbal warm` ask in the same words: which kind of model, from which columns, trained how.
import { z } from 'zod';
import { refuseGiven } from '../options/refuse-given.ts';
import type { Given } from '../options/resolve.ts';

/** Options of both commands. */
export const pairOptions = {
  kind: z
    .enum(['bradley-terry', 'pairwise', 'entailment'])
    .default('bradley-terry')
    .describe('a score of one answer, a preference between two, or a judge of text pairs'),
  form: z
    .enum(['antisymmetric', 'skew-symmetric'])
    .default('antisymmetric')
    .describe('pairwise: reads both answers together, or each alone'),
  labels: z
    .array(z.string())
    .optional()
    .describe('entailment: the classes (default: entailment,neutral,contradiction)'),
  data: z.string().describe('your rows: prompt, chosen, rejected; or for entailment premise, hypothesis, label'),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, as prompt=question,chosen=better,rejected=worse'),
  labelSmoothing: z.number().min(0).lt(0.5).default(0).describe('of pairs: probability given to the other answer'),
  centerCoef: z.number().min(0).default(0).describe('bradley-terry: holds scores near 0; .01 is common'),
  lora: z.int().min(0).default(0).describe('rank of an adapter, worked in at the end; 0 trains all weights'),
  maxLength: z.int().min(4).optional().describe("longest row in tokens (default: the model's context)"),
  overflow: z
    .enum(['drop', 'cut', 'error'])
    .default('drop')
    .describe(
      'what becomes of a longer pair of answers (one that is scored is never cut, but left out); of text pairs the longer text loses its end, which is told',
    ),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products in training'),
};

/** Our names of the columns that both read. */
export const pairColumns = ['prompt', 'chosen', 'rejected', 'label', 'margin', 'weight', 'premise', 'hypothesis'];

type Kind = z.output<typeof pairOptions.kind>;

const none: { [kind in Kind]: readonly string[] } = {
  'bradley-terry': ['form', 'labels'],
  pairwise: ['labels', 'centerCoef'],
  entailment: ['form', 'labelSmoothing', 'centerCoef', 'lora', 'overflow'],
};

/** An option that would be ignored is a misunderstanding. @throws ConfigError naming the flag */
export function refuseOfOtherKinds(command: string, kind: Kind, given: ReadonlyMap<string, Given>): void {
  const noun = { 'bradley-terry': 'a bradley-terry model', pairwise: 'a pairwise model', entailment: 'a judge' }[kind];
  refuseGiven(command, given, none[kind], `${noun} has none`);
}
