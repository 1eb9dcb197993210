/**
 * Options of the optimisers, one type per algorithm, told apart by `name`. Constants default to PyTorch's
 * (`torch.optim`), so that a run moved from there behaves the same.
 */

/** A rule for some parameters; the last group that matches a path wins. */
export interface ParamGroup {
  /** a path, a pattern as `matchPaths` reads it ('layers.*.norm.**'), or a predicate */
  match: string | ((path: string) => boolean);
  /** multiplies the learning rate; 0 = frozen */
  learningRateScale?: number;
  /** replaces the optimiser's weight decay */
  weightDecay?: number;
}

export interface CommonOptimizerOptions {
  /**
   * Rules by path. Without a rule weight decay applies to tensors of rank ≥ 2 only: norms' scales and biases are
   * not decayed, as is the practice for transformers.
   */
  groups?: readonly ParamGroup[];
}

/** AdamW (Loshchilov & Hutter 2019). */
export interface AdamWOptions extends CommonOptimizerOptions {
  name: 'adamw';
  /** default 0.9 */
  beta1?: number;
  /** default 0.999 */
  beta2?: number;
  /** default 1e-8 */
  epsilon?: number;
  /** decoupled: p ← p − lr·weightDecay·p; default 0.01 */
  weightDecay?: number;
}

/** Adam (Kingma & Ba 2015), with weight decay as L2. */
export interface AdamOptions extends CommonOptimizerOptions {
  name: 'adam';
  /** default 0.9 */
  beta1?: number;
  /** default 0.999 */
  beta2?: number;
  /** default 1e-8 */
  epsilon?: number;
  /** L2: added to the gradient; default 0 */
  weightDecay?: number;
}

/** Gradient descent, with momentum if asked for. */
export interface SgdOptions extends CommonOptimizerOptions {
  name: 'sgd';
  /** default 0 */
  momentum?: number;
  /** default false; needs momentum > 0 */
  nesterov?: boolean;
  /** L2: added to the gradient; default 0 */
  weightDecay?: number;
}

/** RMSProp (Tieleman & Hinton 2012): steps divided by the root of a running mean of squares. */
export interface RmspropOptions extends CommonOptimizerOptions {
  name: 'rmsprop';
  /** of the mean of squares, PyTorch's `alpha`; default 0.99 */
  decay?: number;
  /** default 1e-8 */
  epsilon?: number;
  /** default 0 */
  momentum?: number;
  /**
   * 'pytorch' (default): g/(√v + ε), v from 0; 'tensorflow': g/√(v + ε), v from 1, so that the first steps are small
   * (Stable-Baselines3's `RMSpropTFLike`)
   */
  form?: 'pytorch' | 'tensorflow';
  /** L2: added to the gradient; default 0 */
  weightDecay?: number;
}

/** Adafactor (Shazeer & Stern 2018): a second moment of rows and columns. */
export interface AdafactorOptions extends CommonOptimizerOptions {
  name: 'adafactor';
  /** exponent of the second moment's decay, 1 − step^beta2Decay; default −0.8 */
  beta2Decay?: number;
  /** default 1e-3: floor of the parameter's root mean square */
  epsilon?: number;
  /** root mean square at which an update is clipped; default 1 */
  clipThreshold?: number;
  /** decoupled; default 0 */
  weightDecay?: number;
}

/** Lion (Chen et al. 2023): the sign of a moving average. */
export interface LionOptions extends CommonOptimizerOptions {
  name: 'lion';
  /** default 0.9 */
  beta1?: number;
  /** default 0.99 */
  beta2?: number;
  /** decoupled; default 0 */
  weightDecay?: number;
}

/** Muon (Jordan 2024): orthogonal updates of matrices, AdamW for the rest. */
export interface MuonOptions extends CommonOptimizerOptions {
  name: 'muon';
  /** default 0.95 */
  momentum?: number;
  /** default true */
  nesterov?: boolean;
  /** decoupled; default 0.1 */
  weightDecay?: number;
  /** Newton–Schulz iterations; default 5 */
  iterations?: number;
  /**
   * How the orthogonal update is scaled: 'rows' × √max(1, rows/columns), for matrices stored [out, in] (default,
   * PyTorch's 'original'); 'rms' × 0.2·√max(rows, columns), which lets AdamW's learning rate be used
   */
  updateScale?: 'rows' | 'rms';
  /** which tensors Muon updates; default: rank 2, neither embedding nor output head */
  matrices?: (path: string, shape: readonly number[]) => boolean;
  /** AdamW for all other tensors; its learning rate is the schedule's × `learningRateScale` (default 1) */
  others?: Omit<AdamWOptions, 'name' | 'groups'> & { learningRateScale?: number };
}

/** The options of any optimiser, told apart by `name`. */
export type OptimizerOptions =
  | AdamWOptions
  | AdamOptions
  | SgdOptions
  | RmspropOptions
  | AdafactorOptions
  | LionOptions
  | MuonOptions;

/** The optimisers that there are. */
export type OptimizerName = OptimizerOptions['name'];

/** What each optimiser uses for the options that are not given. */
export const optimizerDefaults = {
  adamw: { name: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, groups: [] },
  adam: { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, groups: [] },
  sgd: { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0, groups: [] },
  rmsprop: { name: 'rmsprop', decay: 0.99, epsilon: 1e-8, momentum: 0, form: 'pytorch', weightDecay: 0, groups: [] },
  adafactor: { name: 'adafactor', beta2Decay: -0.8, epsilon: 1e-3, clipThreshold: 1, weightDecay: 0, groups: [] },
  lion: { name: 'lion', beta1: 0.9, beta2: 0.99, weightDecay: 0, groups: [] },
  muon: {
    name: 'muon',
    momentum: 0.95,
    nesterov: true,
    weightDecay: 0.1,
    iterations: 5,
    updateScale: 'rows',
    matrices: (path, shape) =>
      shape.length === 2 &&
      !/(?:^|[._])(?:embed|embedding|embeddings|tokens|wte|wpe|lm_head|head)(?:[._]|$)/.test(path),
    others: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, learningRateScale: 1 },
    groups: [],
  },
} as const satisfies { [N in OptimizerName]: Required<Extract<OptimizerOptions, { name: N }>> };
