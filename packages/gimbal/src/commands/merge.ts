// gimbal merge: several models' weights as one, or an adapter worked into its model, as a model folder or a GGUF file.
import { basename } from 'node:path';
import type { AdaptableConfig, FileDtype } from '@gimbal/language-models';
import { ConfigError, type Params } from '@gimbal/tensor-core';
import { z } from 'zod';
import { type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { startCompute } from '../run/compute.ts';
import { hubOptions } from '../run/hub.ts';
import { isSeq2Seq } from '../run/is-seq2seq.ts';
import { adapterPath, modelPath } from '../run/model-path.ts';
import { refuseReplacing } from '../run/out-file.ts';

const options = z.object({
  model: z
    .array(z.string())
    .min(1)
    .describe('models to merge, separated by commas; with --adapter one, the base: folder, .gguf file or hub name'),
  method: z
    .enum(['adapter', 'linear', 'slerp', 'task'])
    .optional()
    .describe(
      'linear: Σ share × weights; slerp: on the arc between two; task: the first + Σ scale × (other − first) (default: adapter with --adapter, else linear)',
    ),
  adapter: z.string().optional().describe("the adapter's folder, of PEFT or of gimbal sft"),
  shares: z.array(z.number()).optional().describe('linear: the share of each model (default: equal ones)'),
  normalize: z.boolean().default(false).describe('linear: divide the shares by their sum'),
  lambda: z.number().min(0).max(1).optional().describe('slerp: how far from the first to the second (default 0.5)'),
  scales: z.array(z.number()).optional().describe('task: of each model but the first, or one for all (default 1)'),
  allowUnsharedPretraining: z
    .boolean()
    .default(false)
    .describe('merge members of gimbal warm that come from different pretrainings'),
  dtype: z
    .enum(['float32', 'bfloat16', 'float16'])
    .optional()
    .describe('how a model folder holds the weights (default: as the models do)'),
  type: z.enum(['f32', 'f16', 'q8_0', 'q4_0']).optional().describe('how a .gguf holds the matrices (default: f16)'),
});
type Options = z.output<typeof options>;

export const command = defineCommand({
  summary: 'Average the weights of models, or work a LoRA or DoRA adapter into its model.',
  options,
  examples: [
    'gimbal merge --model run-a/model,run-b/model,run-c/model --out average              equal shares, as WARM does',
    'gimbal merge --model sft,rl --method linear --shares 0.3,0.7 --out between',
    'gimbal merge --model SmolLM2-135M-Instruct.Q4_1.gguf --adapter runs/sft-1/adapter --out merged',
    'gimbal merge --model SmolLM2-135M-Instruct.Q4_1.gguf --adapter runs/sft-1/adapter --out merged.gguf --type q8_0',
  ],
  async run(context) {
    const { options: o, output, signal } = context;
    if (o.out === undefined) {
      throw new ConfigError({
        where: 'gimbal merge --out',
        what: 'nothing says where the merged model goes',
        wanted: 'a folder, or a file that ends in .gguf',
      });
    }
    refuseIdle(o, o.out);
    const { method = o.adapter === undefined ? 'linear' : 'adapter' } = o;
    if ((method === 'adapter') !== (o.adapter !== undefined)) {
      throw new ConfigError({
        where: 'gimbal merge --adapter',
        what: o.adapter === undefined ? '--method adapter needs one' : `--method ${method} takes none`,
        ...(o.adapter !== undefined && { got: o.adapter }),
      });
    }
    if (method === 'adapter') return mergeAdapter(context, o.out);
    const { mergeModels } = await import('../merge/merge-models.ts');
    const { note } = await mergeModels({ ...o, method }, o.out, {
      hub: hubOptions(output, signal),
      note: (text) => output.note(text),
    });
    output.line(`${o.model.length} models merged into ${o.out}: ${note}`);
    return { json: { path: o.out, method, models: o.model, note } };
  },
});

/** Refuses the option that says how another kind of file holds the weights. */
function refuseIdle(o: Options, out: string): void {
  const gguf = out.endsWith('.gguf');
  const idle = gguf ? 'dtype' : 'type';
  if (o[idle] === undefined) return;
  throw new ConfigError({
    where: `gimbal merge --${idle}`,
    what: gguf ? 'it says how a folder holds the weights' : 'it says how a .gguf holds the matrices',
    got: out,
    wanted: gguf ? '--type' : '--dtype, or --out NAME.gguf',
  });
}

async function mergeAdapter(
  { options: o, output, signal }: CommandContext<Options>,
  out: string,
): Promise<CommandResult> {
  const [base, second] = o.model;
  const odd = (['shares', 'lambda', 'scales'] as const).find((name) => o[name] !== undefined);
  if (base === undefined || second !== undefined || odd !== undefined || o.normalize) {
    throw new ConfigError({
      where: 'gimbal merge --adapter',
      what: 'an adapter is worked into one model, whole',
      got: second === undefined ? `--${odd ?? 'normalize'}` : o.model.join(', '),
      wanted: 'one --model, without shares or scales',
    });
  }
  const path = await modelPath(base, 'gimbal merge --model', hubOptions(output, signal));
  const { refuseReplaced } = await import('../merge/merge-models.ts');
  refuseReplaced(out, [path]);
  const open = (await isSeq2Seq(path)) ? openSeq2Seq : openDecoder;
  if (out.endsWith('.gguf')) await refuseReplacing('merge', out);
  const compute = await startCompute(o);
  const lm = await import('@gimbal/language-models');
  const { disposeTree } = await import('@gimbal/tensor-core');
  const { config, params, save } = await open(path, out);
  const adapter = await lm.loadAdapter(adapterPath(o.adapter as string), config);
  for (const warning of adapter.warnings ?? []) output.note(`warning ${warning}`);
  if (adapter.base !== undefined && basename(adapter.base) !== basename(base)) {
    output.note(`warning: the adapter's file says that it was made for ${adapter.base}, not ${base}`);
  }
  const merged = lm.mergeLora(config, params, adapter);
  await save(merged, { ...(o.dtype && { dtype: o.dtype }), type: o.type ?? 'f16' });
  lm.disposeAdapter(adapter);
  for (const tree of [params, merged]) disposeTree(tree);
  output.line(`merged into ${out}`);
  await compute.trace(output);
  return { json: { path: out } };
}

/** A model that an adapter is worked into. */
interface Base {
  config: AdaptableConfig;
  params: Params;
  /** Writes a tree of its shape, with its tokenizer and its way of generating. */
  save(params: Params, o: { dtype?: FileDtype; type: NonNullable<Options['type']> }): Promise<void>;
}

async function openDecoder(path: string, out: string): Promise<Base> {
  const { loadPretrained, saveGguf, savePretrained } = await import('@gimbal/language-models');
  const { model, params, tokenizer, generation } = await loadPretrained(path);
  return {
    config: model.config,
    params,
    async save(merged, { type, ...o }) {
      if (!out.endsWith('.gguf')) {
        await savePretrained(out, model, merged, { generation, ...o, ...(tokenizer && { tokenizer }) });
        return;
      }
      if (!tokenizer)
        throw new ConfigError({ where: out, what: 'a .gguf holds the tokenizer too, but the model has none' });
      await saveGguf(out, model, merged, { tokenizer, type: type.toUpperCase() as Uppercase<typeof type> });
    },
  };
}

async function openSeq2Seq(path: string, out: string): Promise<Base> {
  if (out.endsWith('.gguf')) {
    const wanted = 'a folder';
    throw new ConfigError({
      where: 'gimbal merge --out',
      what: 'encoder-decoders have no .gguf here',
      got: out,
      wanted,
    });
  }
  const { loadSeq2Seq, saveSeq2Seq } = await import('@gimbal/language-models');
  const { model, params, tokenizer, generation } = await loadSeq2Seq(path);
  return {
    config: model.config,
    params,
    save: (merged, { type: _, ...o }) =>
      saveSeq2Seq(out, model, merged, { generation, ...o, ...(tokenizer && { tokenizer }) }),
  };
}
