// SAC's returns on MuJoCo beside Stable-Baselines3's with equal settings: curves that are kept (internal/sb3-sac-returns.ts)
// or that --peer makes, with peers/rl_returns.py.
import { defineClaim } from '../../reproduce/claim.ts';
import { besideStableBaselines, type PeerCurves } from './internal/beside-sb3.ts';
import { stableBaselinesCurves } from './internal/sb3-curves.ts';
import { sb3SacReturns } from './internal/sb3-sac-returns.ts';

const run = { algorithm: 'SAC', steps: 50_000 } as const;
const seeds = [1, 2, 3];
/**
 * On Hopper a run leaves its plateau near a return of 300 before the end or it does not, on either side, so that three seeds
 * say little. These were chosen before any result of them was looked at.
 */
const more: { readonly [env: string]: readonly number[] } = { 'Hopper-v5': [4, 5, 6] };
const withMore = (env: string, few: readonly number[]): readonly number[] => [...few, ...(more[env] ?? [])];

export const claim = defineClaim({
  id: 'C15',
  claim: 'SAC on Hopper, HalfCheetah and Walker2d returns what Stable-Baselines3 returns with equal settings',
  paper: 'not of the paper: Stable-Baselines3, 50k steps, 3 seeds (6 on Hopper), curves kept or made by --peer',
  wanted:
    'last fifth of training: our mean ≥ its mean − its standard deviation over seeds; without its curves reported',
  fullOnly: true,
  seeds,
  async run(context) {
    const peers: { -readonly [env in keyof PeerCurves]: PeerCurves[env] } = {};
    // all of theirs before anything of ours is trained
    for (const env of ['Hopper-v5', 'HalfCheetah-v5', 'Walker2d-v5'])
      peers[env] = await stableBaselinesCurves({ ...run, env }, withMore(env, seeds), sb3SacReturns[env], context);
    return besideStableBaselines(run, peers, context, (env) => withMore(env, context.seeds));
  },
});
