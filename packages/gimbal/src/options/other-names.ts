// Names that other libraries (TRL, PEFT, transformers) have for options and values of ours: the nearest by letters would
// be another thing (`--beta` is no misspelt `--eta`).

/** Options, in kebab-case; each counts for the commands that have ours. */
const options: { readonly [theirs: string]: string } = {
  beta: 'kl-coef',
  'dataset-name': 'data',
  'eval-steps': 'eval-every',
  'gradient-accumulation-steps': 'accumulate',
  'lora-r': 'lora',
  'loss-type': 'loss',
  'max-completion-length': 'max-new-tokens',
  'max-steps': 'steps',
  'model-name-or-path': 'model',
  'num-generations': 'samples-per-prompt',
  'output-dir': 'out',
  'per-device-train-batch-size': 'batch-size',
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
