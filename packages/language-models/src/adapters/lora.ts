// Adapters: small matrices beside a model's own, trained in their place (LoRA, arXiv 2106.09685; DoRA, arXiv 2402.09353),
// put into a tree, taken out of it, or merged into its weights.
import {
  ConfigError,
  flatten,
  isTensor,
  mapTree,
  type Params,
  type Rng,
  unflatten,
  type WeightLayout,
} from '@gimbal/tensor-core';
import {
  clone,
  div,
  keep,
  mul,
  reshape,
  scalar,
  sqrt,
  square,
  sum,
  type Tensor,
  tidy,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import { branchAt, tensorAt } from '../decoder/params.ts';
import { type AdapterBase, adaptable } from './adaptable.ts';
import { isTarget, type LoraConfig, type LoraOptions, loraConfig, loraShape } from './lora-config.ts';
import { adaptedWeight, rowNorms } from './project.ts';

/** An adapter of one model. Owns its tensors: dispose it after use. */
export interface LoraAdapter {
  /** Which layers are adapted, of which rank, scaled how. */
  readonly config: LoraConfig;
  /** What is trained: `….lora_A.weight` [r, in], `….lora_B.weight` [out, r], with DoRA `….lora_magnitude_vector` [out]. */
  readonly params: Params;
  /** The factor of each layer, `….lora_scale`: constants. */
  readonly scales: Params;
  /** Whole leaves that take the place of the model's own, such as a new head (PEFT's `modules_to_save`). */
  readonly replaced?: Params;
  /** What its file calls the model that it was made for. */
  readonly base?: string;
  /** Entries of the `adapter_config.json` it was read from that are not known here; written again with it. */
  readonly other?: Readonly<Record<string, unknown>>;
  /** What of those is told to the user. */
  readonly warnings?: readonly string[];
}

/** The paths of the layers that an adapter of this config has, without `.weight`. */
export function targetLayers(c: AdapterBase, lora: LoraConfig): string[] {
  const { parameters, layoutOf } = adaptable(c);
  const all = parameters
    .filter(({ path }) => layoutOf(path) !== undefined)
    .map(({ path }) => path.replace(/\.weight$/, ''));
  const found = all.filter((path) => isTarget(lora, path));
  if (found.length > 0) return found;
  throw new ConfigError({
    where: 'lora.targetModules',
    what: 'no layer of the model is named so',
    got: lora.targetModules,
    wanted: [...new Set(all.map((path) => path.slice(path.lastIndexOf('.') + 1)))].join(', '),
  });
}

/**
 * A new adapter: A at random in ±1/√in, B zero, so that the model is at first as it was. A classifier's has its head in it.
 * @param c the config of a decoder or an encoder-decoder, or a classifier
 * @param params the model's, which DoRA takes its magnitudes from
 * @returns the caller disposes it (`disposeAdapter`)
 * @throws ConfigError where no layer is named so
 */
export function createLora(c: AdapterBase, params: Params, options: LoraOptions, rng: Rng): LoraAdapter {
  const config = loraConfig(options);
  const { layoutOf, head = [] } = adaptable(c);
  const [leaves, scales]: [[string, Tensor][], [string, Tensor][]] = [[], []];
  for (const path of targetLayers(c, config)) {
    const layer = branchAt(params, ...path.split('.'));
    const { weight } = layer as { weight: Tensor };
    const layout = layoutOf(`${path}.weight`) as WeightLayout;
    const [out, width] = (layout === 'out-in' ? weight.shape : weight.shape.toReversed()) as [number, number];
    const { rank, scale } = loraShape(config, path);
    const bound = 1 / Math.sqrt(width);
    leaves.push([`${path}.lora_A.weight`, rng.split(path).uniformTensor([rank, width], -bound, bound)]);
    leaves.push([`${path}.lora_B.weight`, zeros([out, rank])]);
    scales.push([`${path}.lora_scale`, scalar(scale)]);
    if (!config.dora) continue;
    const rows = (w: Tensor): Tensor => (layout === 'out-in' ? w : transpose(w));
    leaves.push([`${path}.lora_magnitude_vector`, tidy(() => sqrt(sum(square(rows(weight)), 1)))]);
  }
  const whole = head.map((path): [string, Tensor] => [path, clone(tensorAt(params, ...path.split('.')))]);
  return {
    config,
    params: unflatten(leaves),
    scales: unflatten(scales),
    ...(whole.length > 0 && { replaced: unflatten(whole) }),
  };
}

/** Disposes an adapter's tensors. */
export function disposeAdapter({ params, scales, replaced = {} }: LoraAdapter): void {
  for (const tree of [params, scales, replaced]) for (const [, tensor] of flatten(tree)) tensor.dispose();
}

/**
 * The model's tree with the adapter in it: the same tensors, nothing is copied.
 * @param trained the adapter's parameters as they are now (`adapter.params`)
 */
export function adaptTree(base: Params, adapter: LoraAdapter, trained: Params = adapter.params): Params {
  const out = copyBranches(base);
  for (const tree of [adapter.replaced ?? {}, trained, adapter.scales]) putInto(out, tree);
  return out;
}

const copyBranches = (tree: Params): Params =>
  Object.fromEntries(Object.entries(tree).map(([key, node]) => [key, isTensor(node) ? node : copyBranches(node)]));

function putInto(out: Params, tree: Params): void {
  for (const [key, node] of Object.entries(tree)) {
    if (isTensor(node)) out[key] = node;
    else {
      const there = out[key];
      if (there === undefined || isTensor(there)) out[key] = copyBranches(node);
      else putInto(there, node);
    }
  }
}

/**
 * The model with the adapter worked into its weights.
 * @returns a tree of the model's own paths; adapted layers are new tensors, the others copies that share memory. The caller
 * disposes it
 */
export function mergeLora(c: AdapterBase, base: Params, adapter: LoraAdapter): Params {
  const { layoutOf } = adaptable(c);
  const adapted = adaptTree(base, adapter);
  return mapTree(adapter.replaced ? adaptTree(base, { ...adapter, params: {}, scales: {} }) : base, (tensor, path) => {
    const layer = layerOf(adapted, path);
    if (layer === undefined || !('lora_A' in layer)) return keep(clone(tensor));
    return keep(tidy(() => mergedWeight(layer, layoutOf(path) as WeightLayout)));
  });
}

/**
 * Takes a merged adapter out of the weights again (LoRA only: DoRA's lengths do not tell the weights they came from).
 * @throws ConfigError for an adapter of DoRA, or one that replaced whole leaves
 */
export function unmergeLora(c: AdapterBase, merged: Params, adapter: LoraAdapter): Params {
  if (adapter.config.dora || adapter.replaced) {
    const what = adapter.config.dora
      ? 'an adapter of DoRA cannot be taken out: its lengths do not tell those of the weights before'
      : 'what this adapter replaced is not in it';
    throw new ConfigError({ where: 'unmergeLora', what, fix: 'Load the base model again' });
  }
  const negative = { ...adapter, scales: mapTree(adapter.scales, (scale) => mul(scale, -1)) };
  try {
    return mergeLora(c, merged, negative);
  } finally {
    disposeAdapter({ ...negative, params: {} });
  }
}

/** The branch that a path's leaf `weight` stands in. */
function layerOf(tree: Params, path: string): Params | undefined {
  return path.endsWith('.weight') ? branchAt(tree, ...path.split('.').slice(0, -1)) : undefined;
}

function mergedWeight(layer: Params, layout: WeightLayout): Tensor {
  const { lora_magnitude_vector: magnitude } = layer as { lora_magnitude_vector?: Tensor };
  const rows = adaptedWeight(layer, layout); // [out, in]
  const merged = magnitude === undefined ? rows : mul(rows, reshape(div(magnitude, rowNorms(layer, layout)), [-1, 1]));
  return layout === 'out-in' ? merged : transpose(merged);
}
