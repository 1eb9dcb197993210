// gimbal merge: work an adapter into its model's weights, as a model folder or a GGUF file.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { startCompute } from '../run/compute.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';

const options = z.object({
  model: z.string().describe('the base: model folder, a .gguf file, or a name on the hub'),
  adapter: z.string().describe("the adapter's folder, of PEFT or of gimbal sft"),
  dtype: z.enum(['float32', 'bfloat16', 'float16']).default('float32').describe('how a model folder holds the weights'),
  type: z.enum(['f32', 'f16', 'q8_0', 'q4_0']).default('f16').describe('how a .gguf holds the matrices'),
});

export const command = defineCommand({
  summary: 'Work a LoRA or DoRA adapter into its model.',
  options,
  examples: [
    'gimbal merge --model SmolLM2-135M-Instruct.Q4_1.gguf --adapter runs/sft-1/adapter --out merged',
    'gimbal merge --model SmolLM2-135M-Instruct.Q4_1.gguf --adapter runs/sft-1/adapter --out merged.gguf --type q8_0',
  ],
  async run({ options: o, output, signal }) {
    if (o.out === undefined) {
      throw new ConfigError({
        where: 'gimbal merge --out',
        what: 'nothing says where the merged model goes',
        wanted: 'a folder, or a file that ends in .gguf',
      });
    }
    await startCompute(o);
    const lm = await import('@gimbal/language-models');
    const { disposeTree } = await import('@gimbal/tensor-core');
    const { model, params, tokenizer, generation } = await lm.loadPretrained(
      await modelPath(o.model, 'gimbal merge --model', hubOptions(output, signal)),
    );
    const adapter = await lm.loadAdapter(o.adapter, model.config);
    const merged = lm.mergeLora(model.config, params, adapter);
    await saveModel(o.out, model, merged, { tokenizer, generation, dtype: o.dtype, type: o.type });
    lm.disposeAdapter(adapter);
    for (const tree of [params, merged]) disposeTree(tree);
    output.line(`merged into ${o.out}`);
    return { json: { path: o.out } };
  },
});

type Pretrained = Awaited<ReturnType<typeof import('@gimbal/language-models').loadPretrained>>;

/** Writes a folder, or a .gguf by the ending of its name. */
async function saveModel(
  out: string,
  model: Pretrained['model'],
  params: Pretrained['params'],
  o: Pick<Pretrained, 'tokenizer' | 'generation' | 'dtype'> & { type: 'f32' | 'f16' | 'q8_0' | 'q4_0' },
): Promise<void> {
  const { saveGguf, savePretrained } = await import('@gimbal/language-models');
  const { tokenizer, generation, dtype } = o;
  if (!out.endsWith('.gguf')) {
    await savePretrained(out, model, params, { generation, dtype, ...(tokenizer ? { tokenizer } : {}) });
    return;
  }
  if (!tokenizer)
    throw new ConfigError({ where: out, what: 'a .gguf holds the tokenizer too, but the model has none' });
  const type = o.type.toUpperCase() as 'F32' | 'F16' | 'Q8_0' | 'Q4_0';
  await saveGguf(out, model, params, { tokenizer, type });
}
