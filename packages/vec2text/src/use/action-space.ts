// A model's control space as what an agent acts with: the whitened coordinates of its codes, or the codes themselves.
import { checkKnown, checkName } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2Text } from '../model/module.ts';
import { checkThat } from '../space/check-size.ts';
import { type Codes, rowsOf } from '../space/codes.ts';
import { coloured, statsFor } from '../space/stats.ts';

/** How actions become codes. */
export interface ActionSpaceOptions {
  /**
   * `whitened` (default): z = project(μ + L a), so that standard normal actions are the codes of training sentences;
   * `raw`: z = project(a).
   */
  coordinates?: 'raw' | 'whitened';
  /** Actions lie in [−bound, bound] (3 whitened, 1 raw). */
  bound?: number;
}

/** The bounds of actions, and the way from an action to a code. */
export interface CodeActions {
  /** Least values [k]. */
  readonly low: Float32Array;
  /** Greatest values [k]. */
  readonly high: Float32Array;
  /** One number a coordinate. */
  readonly shape: readonly [number];
  /**
   * The codes of actions, row after row.
   * @throws ShapeError for another width, NumericalError for NaN or ±∞
   */
  toCode(actions: Float32Array): Codes;
}

/**
 * The control space for an agent.
 * @throws ConfigError for the unbounded space (`UNBOUNDED`), whitening without statistics (`NO_STATS`), a bound out of range
 */
export function asActionSpace(
  { module: { space }, stats }: Pick<Vec2Text, 'module' | 'stats'>,
  o: ActionSpaceOptions = {},
): CodeActions {
  const where = 'vec2text: action space';
  checkKnown('asActionSpace', o, ['coordinates', 'bound']);
  const { coordinates = 'whitened' } = o;
  checkName('asActionSpace.coordinates', coordinates, ['raw', 'whitened']);
  const { bound = coordinates === 'raw' ? 1 : 3 } = o;
  checkThat('asActionSpace.bound', Number.isFinite(bound) && bound > 0, bound, 'a finite number > 0');
  if (!space.bounded) {
    const fix = 'Train with the space box, ball or sphere';
    throw refusal('UNBOUNDED', { where, what: 'the space has no bounds, so an agent could go anywhere', fix });
  }
  const spread = coordinates === 'whitened' ? statsFor(where, space, stats) : undefined;
  const k = space.dim;
  return {
    low: new Float32Array(k).fill(-bound),
    high: new Float32Array(k).fill(bound),
    shape: [k],
    toCode(actions) {
      const rows = rowsOf(where, actions, k);
      if (spread === undefined) return space.projectCodes(actions);
      const z = new Float32Array(actions.length);
      rows.forEach((a, i) => {
        z.set(coloured(a, spread), i * k);
      });
      return space.projectCodes(z);
    },
  };
}
