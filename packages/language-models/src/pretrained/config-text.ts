// config.json as Python reads it. JSON in Python tells 30 from 30.0, and since transformers 5 a field that is declared a float
// refuses a whole number written without a point: Gemma 2's caps are 50.0 and 30.0.

/** What transformers 5.24 declares `float` alone, of what is written here and may be whole. */
const floats = ['attn_logit_softcapping', 'final_logit_softcapping', 'initializer_range', 'initializer_factor'];
const whole = new RegExp(`^(\\s*"(?:${floats.join('|')})": -?\\d+)(?=,?$)`, 'gm');

/** The text of config.json, an entry a line. */
export const configText = (config: object): string => JSON.stringify(config, null, 2).replace(whole, '$1.0');
