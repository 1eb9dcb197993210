// PPO's returns on MuJoCo beside Stable-Baselines3's with equal settings, whose curves are kept (internal/sb3-returns.ts).
import { defineClaim } from '../../reproduce/claim.ts';
import { besideStableBaselines } from './internal/beside-sb3.ts';
import { sb3Returns } from './internal/sb3-returns.ts';

export const claim = defineClaim({
  id: 'C14',
  claim: 'PPO on Hopper, HalfCheetah and Walker2d returns what Stable-Baselines3 returns with equal settings',
  paper: 'not of the paper: Stable-Baselines3 2.9.2, 300k steps, 3 seeds, curves kept with the script that made them',
  wanted: 'last fifth of training: our mean ≥ its mean − its standard deviation over seeds',
  fullOnly: true,
  seeds: [1, 2, 3],
  run: (context) => besideStableBaselines({ algorithm: 'PPO', steps: 300_000 }, sb3Returns, context),
});
