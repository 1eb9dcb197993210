// SAC's returns on MuJoCo; beside Stable-Baselines3's where its curves lie in the claim's folder (peers/rl_returns.py).
import { join } from 'node:path';
import { defineClaim } from '../../reproduce/claim.ts';
import { besideStableBaselines, curvesIn } from './internal/beside-sb3.ts';

const steps = 50_000;

export const claim = defineClaim({
  id: 'C15',
  claim: 'SAC on Hopper, HalfCheetah and Walker2d returns what Stable-Baselines3 returns with equal settings',
  paper: 'not of the paper: 50k steps, 3 seeds, beside the curves that sac-<env>.json in the claim’s folder holds',
  wanted:
    'last fifth of training: our mean ≥ its mean − its standard deviation over seeds; without its curves reported',
  fullOnly: true,
  seeds: [1, 2, 3],
  async run(context) {
    const envs = ['Hopper-v5', 'HalfCheetah-v5', 'Walker2d-v5'];
    const curves = envs.map(async (env) => [env, await curvesIn(join(context.dir, `sac-${env}.json`), env, steps)]);
    // looked for before anything is trained
    return besideStableBaselines({ algorithm: 'SAC', steps }, Object.fromEntries(await Promise.all(curves)), context);
  },
});
