// The options every command has. A config file may set them too.
import { z } from 'zod';

const backendNames = ['auto', 'native', 'node-gpu', 'node', 'webgpu', 'wasm', 'cpu'] as const;

export const globalOptions = z.object({
  config: z.string().optional().describe('YAML file that fills options; flags win over it'),
  json: z.boolean().default(false).describe('print results as JSON alone on stdout; all else goes to stderr'),
  trace: z.boolean().default(false).describe('print time per kernel, host fallbacks, and the stack of an error'),
  seed: z.int().min(0).default(0).describe('seed of every random stream'),
  backend: z.enum(backendNames).default('auto').describe('what computes; `gimbal doctor` says which work here'),
  threads: z.int().min(1).optional().describe('compute threads (default: the cores this process may use)'),
  out: z
    .string()
    .min(1)
    .refine((path) => path.trim() !== '', 'a name of nothing but spaces')
    .optional()
    .describe('where the results go: the name (in runs/) or path of a run folder, or a file'),
  resume: z.boolean().default(false).describe('go on with the run in --out (default: the newest one of this command)'),
});

export type GlobalOptions = z.output<typeof globalOptions>;

/** Options that change how a command speaks, not what it computes: free to differ when a run is resumed. */
export const presentational: ReadonlySet<string> = new Set(['config', 'json', 'trace', 'out', 'resume']);
