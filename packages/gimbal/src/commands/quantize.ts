// gimbal quantize: a model as a GGUF file with its matrices in 8 or 4 bits.
import { stat } from 'node:fs/promises';
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { startCompute } from '../run/compute.ts';
import { refuseSeq2Seq } from '../run/decoder-only.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import { refuseReplacing } from '../run/out-file.ts';

const options = z.object({
  model: z.string().describe('model folder, a .gguf file, or a name on the hub'),
  type: z.enum(['f16', 'q8_0', 'q4_0']).default('q8_0').describe('how the matrices are held; norms stay float32'),
});

const noBlocks =
  'A .gguf of ours holds a decoder. A folder in 16 bits is half the size: saveSeq2Seq(folder, model, params, { dtype: "bfloat16" }), or with an adapter gimbal merge --dtype bfloat16';

export const command = defineCommand({
  summary: 'Write a model as a GGUF file in 16, 8 or 4 bits, for llama.cpp and programs on it.',
  options,
  examples: ['gimbal quantize --model runs/align-1/model --type q4_0 --out model.gguf'],
  async run({ options: o, output, signal }) {
    if (!o.out?.endsWith('.gguf')) {
      throw new ConfigError({
        where: 'gimbal quantize --out',
        what: 'nothing says which file to write',
        got: o.out,
        wanted: 'a name that ends in .gguf',
      });
    }
    const path = await modelPath(o.model, 'gimbal quantize --model', hubOptions(output, signal));
    await refuseSeq2Seq('gimbal quantize --model', path, noBlocks);
    await refuseReplacing('quantize', o.out);
    const compute = await startCompute(o);
    const { loadPretrained, saveGguf } = await import('@gimbal/language-models');
    const { disposeTree, treeBytes } = await import('@gimbal/tensor-core');
    const { model, params, tokenizer } = await loadPretrained(path);
    if (!tokenizer)
      throw new ConfigError({
        where: 'gimbal quantize --model',
        what: 'it has no tokenizer',
        got: o.model,
        wanted: 'tokenizer.json',
      });
    const type = o.type.toUpperCase() as 'F16' | 'Q8_0' | 'Q4_0';
    await saveGguf(o.out, model, params, { tokenizer, type });
    const before = treeBytes(params);
    disposeTree(params);
    const { size } = await stat(o.out);
    output.line(`${o.out}: ${(size / 1e6).toFixed(1)} MB (float32: ${(before / 1e6).toFixed(1)} MB)`);
    await compute.trace(output);
    return { json: { path: o.out, bytes: size, float32Bytes: before } };
  },
});
