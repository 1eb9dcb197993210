// What the encoder reads and the decoder writes, by the flags; and which flags that leaves without a meaning.
import { ConfigError } from '@gimbal/tensor-core';
import type { Objective } from '@gimbal/vec2text';
import { refuseGiven } from '../options/refuse-given.ts';
import type { Vec2TextContext, Vec2TextFlags } from './options.ts';
import { refuseIdleLayers } from './sizes.ts';

const where = 'gimbal vec2text train';

/** @throws ConfigError for weights that are no numbers, or of another name */
export function objectiveOf(o: Vec2TextFlags): Objective {
  const { drop, blank, substitute, shuffle } = o;
  const noise = { drop, blank, substitute, shuffle };
  if (o.objective === 'dae') return { kind: 'dae', noise };
  if (o.objective === 'mix') return { kind: 'mix', weights: weightsOf(o), noise };
  return { kind: o.objective };
}

/** Of a mixture. */
function weightsOf({ mix = { ae: '0.5', rtt: '0.5' } }: Vec2TextFlags): Partial<Record<'ae' | 'dae' | 'rtt', number>> {
  const got = Object.entries(mix).map(([name, weight]) => `${name}=${weight}`);
  const isKnown = Object.entries(mix).every(
    ([name, weight]) => ['ae', 'dae', 'rtt'].includes(name) && Number.isFinite(Number(weight)) && Number(weight) >= 0,
  );
  if (isKnown && Object.values(mix).some((weight) => Number(weight) > 0))
    return Object.fromEntries(Object.entries(mix).map(([name, weight]) => [name, Number(weight)]));
  throw new ConfigError({
    where: `${where} --mix`,
    what: 'no weights of a mixture',
    got: got.join(','),
    wanted: 'ae, dae and rtt, each with a number ≥ 0, one of them > 0: ae=.5,rtt=.5',
  });
}

/** Whether round trips are read or written. */
export function needsTrips(o: Vec2TextFlags): boolean {
  if (o.objective === 'mix') return (weightsOf(o).rtt ?? 0) > 0;
  return o.objective !== 'ae' && o.objective !== 'dae';
}

const hasNoise = (o: Vec2TextFlags): boolean =>
  o.objective === 'dae' || (o.objective === 'mix' && (weightsOf(o).dae ?? 0) > 0);

const ofPivots = [
  'telegraph',
  'translators',
  'translatorPrefixes',
  'pivotsPerSentence',
  'tripsPerPivot',
  'tripTemperature',
];
const ofTrips = [...ofPivots, 'pairs', 'minSimilarity', 'dropIdentical'];

/** @throws ConfigError for flags that training would ignore, with what they need */
export function refuseIdle({ options: o, given }: Pick<Vec2TextContext, 'options' | 'given'>): void {
  refuseIdleLayers(where, { options: o, given });
  const refuse = (names: readonly string[], what: string): void => refuseGiven(where, given, names, what);
  if (o.klCoef > 0 && o.space !== 'free' && o.model === undefined)
    throw new ConfigError({
      where: `${where} --kl-coef`,
      what: 'a variational autoencoder is of a space without bounds, as its prior is normal',
      got: `--space ${o.space}`,
      wanted: '--space free',
    });
  if (o.objective !== 'mix') refuse(['mix'], 'the weights are those of --objective mix');
  if (!hasNoise(o))
    refuse(['drop', 'blank', 'substitute', 'shuffle'], 'it is the noise of --objective dae, or of a mix with dae');
  if (o.data === undefined) {
    const wanted = '--data, a .txt, .jsonl, .csv or .parquet, of which some are held out';
    refuse([...ofTrips, 'columns', 'vocabulary'], `it is for sentences of yours, and none are given: ${wanted}`);
    refuse(['heldOut'], 'sentences of --data are held out; of the generated language --rows are made');
  } else refuse(['sentences', 'rows', 'world'], 'it is of the generated language, and --data has your sentences');
  if (!needsTrips(o)) refuse(ofTrips, `it is about round trips, of which --objective ${o.objective} reads none`);
  if (o.pairs !== undefined)
    refuse([...ofPivots, 'minSimilarity', 'dropIdentical'], 'the round trips are those of --pairs');
  if (o.translators !== undefined) refuse(['telegraph'], 'round trips go through --translators');
  if (o.translators === undefined) refuse(['translatorPrefixes'], 'there are no --translators to tell it');
  else if (o.translatorPrefixes !== undefined && o.translatorPrefixes.length !== o.translators.length)
    throw new ConfigError({
      where: `${where} --translator-prefixes`,
      what: 'not one for each translator',
      got: o.translatorPrefixes.length,
      wanted: o.translators.length,
    });
}
