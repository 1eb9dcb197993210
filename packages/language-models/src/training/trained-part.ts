// Which parameters a trainer trains, a model's own or an adapter's, and what a checkpoint's folder `model` holds of them.
import type { LoopSetup, Params } from '@gimbal/tensor-core';
import type { AdaptableConfig } from '../adapters/adaptable.ts';
import { adaptTree, type LoraAdapter } from '../adapters/lora.ts';
import { adapterWriter, type Writer } from '../pretrained/model-writer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** What is trained of a model. */
export interface TrainedPart {
  /** Where training starts. */
  readonly params: Params;
  /** The model's parameters with what has been trained in their place. */
  whole(trained: Params): Params;
  /** For the setup of a loop; without one in a page, which has no folders. */
  readonly saving: Pick<LoopSetup<never>, 'saveModel'>;
}

/**
 * The adapter where there is one, else the whole model.
 * @param write how the whole model is saved; undefined in a page
 */
export function trainedPart<M extends { readonly config: AdaptableConfig }>(
  model: M,
  { params, adapter, tokenizer }: { params: Params; adapter?: LoraAdapter | undefined; tokenizer: Tokenizer },
  write: Writer<M> | undefined,
): TrainedPart {
  if (!adapter)
    return {
      params,
      whole: (trained) => trained,
      saving: write ? { saveModel: (folder, trained) => write(folder, model, trained, { tokenizer }) } : {},
    };
  const writeAdapter = adapterWriter();
  return {
    params: adapter.params,
    whole: (trained) => adaptTree(params, adapter, trained),
    saving: writeAdapter
      ? {
          saveModel: (folder, trained) =>
            writeAdapter(folder, model.config, { ...adapter, params: trained }, { tokenizer }),
        }
      : {},
  };
}
