// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import {
  type Arithmetic,
  type Article,
  arithmetic,
  type arithmeticPresets,
  type Entailment,
  type NewsroomSettings,
  type NliLabel,
  newsroom,
  type newsroomDefaults,
  newsroomPresets,
  newsroomShifts,
  type Problem,
  type Rng,
  type ToyLanguage,
  toyLanguages,
  WorldError,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const rng: Rng;
declare const article: Article;

// options are optional, settings are not
const world = newsroom();
newsroom({ preset: 'mini', facts: 1 });
newsroom({ ...newsroomShifts.longer, ...newsroomPresets.mini });
check<Same<typeof newsroomDefaults, NewsroomSettings>>();
check<Same<(typeof world)['settings'], NewsroomSettings>>();
check<Same<NewsroomSettings['synonyms'], boolean>>();
// @ts-expect-error no such preset
newsroom({ preset: 'huge' });
// @ts-expect-error no such option
newsroom({ fact: 3 });
// @ts-expect-error rates are a list
newsroom({ clauseRates: 0.5 });

// draws need a stream
check<Same<ReturnType<typeof world.rows>[number]['prompt'], string>>();
world.rows(3, rng);
// @ts-expect-error chance is never implied
world.rows(3);
// @ts-expect-error what an article says is not to be changed
article.facts[0] = { subject: 0, verb: 0, object: 0, head: true };
check<Same<Entailment['label'], NliLabel>>();
check<Same<NliLabel, 'entailment' | 'neutral' | 'contradiction'>>();

const sums: Arithmetic = arithmetic({ steps: 2, operations: [1, -1] });
const problems: Problem[] = sums.problems(4, rng, { except: new Set(['1 +1 =']) });
check<Same<(typeof arithmeticPresets)['chain']['modulus'], 10>>();
// @ts-expect-error prompts are kept apart as a set
sums.problems(4, rng, { except: ['1 +1 ='] });

const pair = toyLanguages({ preset: 'mini', registerRates: [0.5, 0.5] });
check<Same<ReturnType<typeof pair.translations>[0], string>>();
// a language of another kind behind the same contract
const numbers: ToyLanguage<number, 'digits' | 'words'>['realise'] = (meaning) => `${meaning}`;
// @ts-expect-error a register has two probabilities
toyLanguages({ registerRates: [0.2, 0.3, 0.5] });

// errors are told apart by code
const error = new WorldError('data', { where: 'newsroom', what: 'unknown word' });
check<Same<typeof error.code, 'config' | 'data'>>();
// @ts-expect-error no such code
new WorldError('io', { where: '', what: '' });

void problems;
void numbers;
