// How the surrogate of a table is maximised: the flags' way, else one that its method reaches the optimum by where it can.
import { defaultFloor, hasClosedForm, type TabularInner, type TabularMethod } from '@gimbal/fma-pg';
import { ConfigError } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import { isGiven, noUse } from './tabular-flags.ts';

type Kind = TabularInner['kind'];

/** Flags of the inner loop; what is undefined has the kind's own value. */
export interface InnerFlags {
  algo: string;
  inner?: Kind | undefined;
  innerSteps?: number | undefined;
  alpha?: number | undefined;
  delta?: number | undefined;
  floor?: number | undefined;
  c?: number | undefined;
  objective?: 'full' | 'linear-only' | undefined;
  maxAlpha?: number | undefined;
  warmStart?: boolean | undefined;
  eta?: number | undefined;
}

const used: Readonly<Record<Kind, readonly (keyof InnerFlags)[]>> = {
  'closed-form': ['floor'],
  fixed: ['alpha', 'innerSteps'],
  armijo: ['c', 'objective', 'maxAlpha', 'warmStart', 'innerSteps'],
  constrained: ['delta', 'innerSteps'],
};

/**
 * Measured on CliffWorld, 200 outer steps, best .531: trpo constrained .531, with a fixed step .345; ppo and sppo by Armijo's
 * rule .531, with a fixed step −.0004 and .342. reinforce has no proximity term: by Armijo's rule it stays at 0, with a
 * fixed step .346 (no step size and number of inner steps that was tried gave more than .349).
 */
const ownKind: { readonly [method: string]: Kind } = { trpo: 'constrained', ppo: 'armijo', sppo: 'armijo' };

/** The kind that flags ask for by what they set; of a method with a closed form it is that. */
function kindOf(o: InnerFlags): Kind {
  if (o.inner !== undefined) return o.inner;
  if (hasClosedForm(o.algo)) return 'closed-form';
  const asked = (['fixed', 'armijo', 'constrained'] as const).find((kind) =>
    used[kind].some((name) => name !== 'innerSteps' && isGiven(o[name])),
  );
  // η is of a penalty, which a constraint stands in the place of
  return asked ?? (o.eta === undefined ? ownKind[o.algo] : undefined) ?? 'fixed';
}

/**
 * How the flags say that a surrogate is to be maximised, nothing left to a default.
 * @throws ConfigError for a flag that would change nothing, and for a kind that the method does not have
 */
export function innerOf(o: InnerFlags): TabularInner {
  const kind = kindOf(o);
  for (const name of new Set(Object.values(used).flat()))
    if (isGiven(o[name]) && !used[kind].includes(name)) throw noUse(name, o[name], `It is not of --inner ${kind}`);
  if (kind === 'constrained' && o.eta !== undefined)
    throw noUse('eta', o.eta, 'Of --inner constrained --delta bounds the step');
  if (kind === 'closed-form') {
    if (!hasClosedForm(o.algo)) {
      const fix = 'Use --inner armijo, or --inner fixed with --alpha and --inner-steps';
      const what = `${o.algo} has no closed form`;
      throw new ConfigError({ where: 'gimbal control train --inner', what, got: kind, fix });
    }
    return { kind, floor: o.floor ?? defaultFloor(o.algo) };
  }
  // claim C6 makes one step where a constraint bounds it: more of them change little
  const steps = o.innerSteps ?? (kind === 'constrained' ? 1 : 100);
  if (kind === 'fixed') return { kind, steps, alpha: o.alpha ?? 1 };
  if (kind === 'constrained') return { kind, steps, delta: o.delta ?? 0.01 };
  const { c = 0.5, objective = 'full', maxAlpha = 10, warmStart = true } = o;
  return { kind, steps, c, objective, maxAlpha, warmStart };
}

/** Outer steps where none are given: the paper's 2000 on CliffWorld for closed forms, which take microseconds; else 200. */
export const outerSteps = (env: string, inner: TabularInner): number =>
  env === 'CliffWorld' && inner.kind === 'closed-form' ? 2000 : 200;

/** The inner loop in words: `fixed (100 inner steps, α 1)`. @param method for the order of its divergence */
export function innerText(inner: TabularInner, method: TabularMethod): string {
  switch (inner.kind) {
    case 'closed-form':
      return `closed-form (floor ${inner.floor})`;
    case 'fixed':
      return `fixed (${counted(inner.steps, 'inner step')}, α ${inner.alpha})`;
    case 'constrained':
      return `constrained (${counted(inner.steps, 'inner step')}, ${method === 'mdpo' ? 'KL(p ‖ p_t)' : 'KL(p_t ‖ p)'} ≤ ${inner.delta})`;
    case 'armijo':
      return `armijo (${counted(inner.steps, 'inner step')}, c ${inner.c}, α at first ${inner.maxAlpha}${inner.objective === 'full' ? '' : ', linear term alone'}${inner.warmStart ? '' : ', no warm start'})`;
  }
}
