// What becomes of prompts: learnt from, used to choose the step whose weights are kept, or reported on.
import { ConfigError, type Prompt, type Rng } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import { heldOutOf, splitRows } from '../options/held-out.ts';
import { sharedRows } from '../reward/shared-rows.ts';
import { promptText } from './prompt-rows.ts';

/** Prompts by what they are for; only a single prompt is in more than one part. */
interface PromptParts<P> {
  training: readonly P[];
  /** compared before and after; nothing is chosen by them */
  heldOut: readonly P[];
  /** what the best step is chosen on; empty where nothing is chosen */
  selection: readonly P[];
}

/** most prompts of a part where `--held-out` does not say */
const most = 128;

/**
 * Draws the parts. What is reported on does not depend on whether a step is chosen.
 * @param command `rl`, for messages
 * @param heldOut number of rows of a part, or share of the rows that are there; undefined = a tenth, at most 128
 * @param choose set a second part aside, as large as the first
 * @throws ConfigError where nothing is left to train on
 */
export function promptParts<P>(
  command: string,
  prompts: readonly P[],
  { heldOut, choose, rng }: { heldOut: number | undefined; choose: boolean; rng: Rng },
): PromptParts<P> {
  const share = heldOutOf(command, heldOut, prompts.length, most);
  const test = splitRows(prompts, share, rng.split('split'));
  if (!choose) return { ...test, selection: [] };
  checkSecond(command, share, prompts.length, test.training.length);
  const rest = splitRows(test.training, share, rng.split('selection'));
  return { training: rest.training, heldOut: test.heldOut, selection: rest.heldOut };
}

/** The first part was checked to leave something; a second one as large may not. */
function checkSecond(command: string, share: number, n: number, left: number): void {
  const count = share < 1 ? Math.max(1, Math.round(share * left)) : share;
  if (n === 1 || count < left) return;
  const largest = Math.floor((n - 1) / 2);
  throw new ConfigError({
    where: `gimbal ${command} --held-out`,
    what: 'nothing is left to train on: --eval-every holds out a second part',
    got: `${share} of ${n} rows, twice`,
    wanted: largest < 1 ? '3 rows or more' : `at most ${largest} rows`,
  });
}

/**
 * Which prompts stand in more than one part, in sentences: rows of their own that ask the same say little of what others
 * would be answered.
 */
export function toldShared({ training, heldOut, selection }: PromptParts<Prompt>): string[] {
  const asked = (prompts: readonly Prompt[]) => prompts.map((p) => ({ prompt: promptText(p) }));
  return (
    [
      ['held out', heldOut, [...training, ...selection]],
      ['that the step is chosen on', selection, training],
    ] as const
  ).flatMap(([name, part, others]) => {
    const shared = sharedRows(asked(part), asked(others));
    const [first] = shared;
    if (first === undefined) return [];
    const told = `${shared.length} of ${counted(part.length, 'prompt')} ${name}`;
    const is = shared.length === 1 ? 'is' : 'are';
    const text = JSON.stringify(beginning(promptText(part[first] as Prompt)));
    return [`${told} ${is} among the others too, as ${text}: their reward may be higher than that of new ones`];
  });
}

const beginning = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
