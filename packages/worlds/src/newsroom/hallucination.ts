// How a reference comes to lie. A stereotype is a fixed object per subject, so a model learns it and even its most
// likely summary hallucinates; the other errors are noise.
import { drawOther, worldStream } from '../internal/draw.ts';
import type { Rng } from '../rng.ts';
import type { Article, Fact } from './article.ts';
import type { NewsroomSettings } from './options.ts';

/** The object each subject is always said to act on: part of the world, made from its seed. */
export function drawStereotypes(s: NewsroomSettings): readonly number[] {
  const stream = worldStream(s.worldSeed);
  return Array.from({ length: s.subjects }, () => stream.int(s.objects));
}

/** What a clause about `fact` claims: the fact itself, a stereotype, or one of four errors. */
export function claim(
  fact: Fact,
  article: Article,
  s: NewsroomSettings,
  stereotypes: readonly number[],
  rng: Rng,
): { subject: number; verb: number; object: number } {
  const { subject, verb, object } = fact;
  if (rng.uniform() < s.stereotypeRate) return { subject, verb, object: stereotypes[subject] as number };
  if (rng.uniform() >= s.errorRate) return { subject, verb, object };

  const others = article.facts.filter((f) => f !== fact);
  // an article of one fact has no other to borrow from: the errors left are an absent object and another verb
  const kind = others.length > 0 ? rng.int(4) : 1 + 2 * rng.int(2);
  switch (kind) {
    case 0:
      return { subject, verb, object: (others[rng.int(others.length)] as Fact).object };
    case 1:
      return { subject, verb, object: drawAbsentObject(article, s, rng) };
    case 2:
      return { subject: (others[rng.int(others.length)] as Fact).subject, verb, object };
    default:
      return { subject, verb: drawOther(s.verbs, verb, rng), object };
  }
}

function drawAbsentObject(article: Article, s: NewsroomSettings, rng: Rng): number {
  const present = article.facts.map((f) => f.object).sort((a, b) => a - b);
  let object = rng.int(s.objects - present.length);
  for (const taken of present) if (object >= taken) object++;
  return object;
}
