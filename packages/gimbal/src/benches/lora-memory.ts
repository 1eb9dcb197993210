// What fine-tuning a small open model takes in memory: LoRA on a random checkpoint of SmolLM2-135M's shape, batches of
// 2 × 512 tokens, each one update with AdamW. The number is the peak of this process, Node and the program itself included,
// against the 4 GB that it may take: run the suite alone.
import type { Params } from '@gimbal/tensor-core';
import { countHostKernels } from '../bench/host-kernels.ts';
import { known } from '../bench/row.ts';
import { type BenchRow, defineSuite } from '../bench/suite.ts';

const shape = { vocabularySize: 49152, width: 576, layers: 30, heads: 9, kvHeads: 3, feedForward: 1536 };
const [rows, width] = [2, 512];
const allowed = 4; // GB

export const suite = defineSuite({
  name: 'lora-memory',
  summary: 'peak memory of LoRA on a model of 135 M parameters (goal: within 4 GB)',
  async *run({ options, note }): AsyncIterable<BenchRow> {
    const { adaptTree, causalLmLoss, createLora, decoder, disposeAdapter } = await import('@gimbal/language-models');
    const { createOptimizer, disposeTree, rng, valueAndGrad, variables } = await import('@gimbal/tensor-core');
    const model = decoder({ family: 'llama', ...shape, contextLength: width });
    const stream = rng(options.seed);
    const params = model.init(stream.split('init'));
    const peak = (): number => (process.resourceUsage().maxRSS * 1024) / 1e9; // GB
    const ids = stream.split('ids');
    const size = rows * width;
    const inputs = Int32Array.from({ length: size }, () => ids.int(shape.vocabularySize));
    const targets = Int32Array.from({ length: size }, () => ids.int(shape.vocabularySize));
    const batch = { inputs, targets, weights: undefined, rows, width, tokens: size };
    const before = peak();
    if (before > 1.5) note(`other work in this process has taken ${before.toFixed(1)} GB already: run the suite alone`);
    // the smaller first: a peak never falls
    const cases = [
      {
        name: 'queries and values, checkpointing',
        o: { targetModules: ['q_proj', 'v_proj'] },
        gradientCheckpointing: true,
      },
      { name: 'every matrix, checkpointing', o: {}, gradientCheckpointing: true },
      { name: 'queries and values', o: { targetModules: ['q_proj', 'v_proj'] }, gradientCheckpointing: false },
      { name: 'every matrix', o: {}, gradientCheckpointing: false },
    ];
    for (const { name, o, gradientCheckpointing } of cases) {
      const adapter = createLora(model.config, params, { rank: 8, ...o }, stream.split(name));
      const trained = variables(adapter.params);
      const optimizer = createOptimizer();
      const state = optimizer.init(trained);
      const { hostKernels } = await countHostKernels(async () => {
        const { value, grads } = valueAndGrad((p: Params) =>
          causalLmLoss(model, adaptTree(params, adapter, p), batch, {
            gradientCheckpointing,
            frozenHead: true,
          }),
        )(trained);
        optimizer.update(trained, grads, state, 2e-4);
        await value.data();
        value.dispose();
        disposeTree(grads);
      });
      disposeTree(state);
      disposeTree(trained);
      disposeAdapter(adapter);
      yield known({
        name: `rank 8, ${rows} × ${width} tokens, ${name} (peer: what is allowed)`,
        unit: 'GB',
        ours: peak(),
        peer: allowed,
        goal: 1,
        hostKernels,
        others: null,
      });
    }
    disposeTree(params);
  },
});
