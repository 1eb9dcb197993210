// Flags of an adapter beside its rank, which every command that trains one takes.
import { z } from 'zod';

export const adapterFlags = {
  loraAlpha: z
    .number()
    .positive()
    .optional()
    .describe('the adapter is multiplied by this over its rank (default: twice the rank)'),
  loraTargets: z
    .array(z.string())
    .optional()
    .describe('ends of the paths of layers to adapt, as q_proj (default: every matrix)'),
  dora: z.boolean().default(false).describe("also learn the length of each output's weights"),
};
