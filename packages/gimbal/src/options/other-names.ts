// Names that other libraries (TRL, PEFT, transformers, Stable-Baselines3, CleanRL) have for options and values of ours: the nearest by letters would
// be another thing (`--beta` is no misspelt `--eta`).

/** Options, in kebab-case; each counts for the commands that have ours. */
const options: { readonly [theirs: string]: string } = {
  beta: 'kl-coef',
  'buffer-size': 'capacity',
  'clip-coef': 'clip-epsilon',
  'clip-range': 'clip-epsilon',
  'dataset-name': 'data',
  'ent-coef': 'entropy-coef',
  'env-id': 'env',
  epsilon: 'clip-epsilon',
  'epsilon-high': 'clip-epsilon-high',
  'eval-freq': 'eval-every',
  'eval-steps': 'eval-every',
  'gradient-accumulation-steps': 'accumulate',
  'gradient-steps': 'updates',
  'importance-sampling-level': 'ratio-level',
  'lora-r': 'lora',
  'loss-type': 'loss',
  lr: 'learning-rate',
  'max-completion-length': 'max-new-tokens',
  'max-steps': 'steps',
  'model-name-or-path': 'model',
  'n-envs': 'num-envs',
  'n-epochs': 'epochs',
  'n-steps': 'rollout',
  'num-generations': 'samples-per-prompt',
  'num-iterations': 'epochs',
  'num-minibatches': 'minibatches',
  'num-steps': 'rollout',
  'output-dir': 'out',
  'per-device-train-batch-size': 'batch-size',
  'target-update-interval': 'target-every',
  timesteps: 'steps',
  'total-timesteps': 'steps',
  'train-freq': 'train-every',
  'update-epochs': 'epochs',
  'vf-coef': 'value-coef',
};

const losses = { dpo: 'sigmoid', slic: 'hinge', 'slic-hf': 'hinge' };

/** Values, by `command --option`. */
const values: { readonly [option: string]: { readonly [theirs: string]: string } } = {
  'dpo --loss': losses,
  'nash-md --dpo-loss': losses,
  'nash-md --objective': {
    dpo: 'gimbal dpo, which learns from pairs that you have, or online-dpo',
    'nash-md': 'policy-gradient',
  },
};

/** Our option for a name of theirs, of those that there are; undefined where it is no name of theirs. */
export function optionByOtherName(name: string, known: Iterable<string>): string | undefined {
  const theirs = name.replaceAll('_', '-').toLowerCase();
  const ours = Object.hasOwn(options, theirs) ? options[theirs] : undefined;
  return ours !== undefined && [...known].includes(ours) ? ours : undefined;
}

/** What to mean instead of a value of theirs, as words. @param flag without its dashes */
export function valueByOtherName(command: string, flag: string, value: string): string | undefined {
  const of = values[`${command} --${flag}`] ?? {};
  const theirs = value.toLowerCase();
  return Object.hasOwn(of, theirs) ? of[theirs] : undefined;
}
