import { fitBradleyTerry, iterate, preferenceGames, regularizedGame, solveExact, tilt } from '@gimbal/nash-md';

// three responses, each preferred to the next by everyone; a reference policy that likes the first
const game = regularizedGame(preferenceGames.cyclic(1), 0.1, [0.7, 0.2, 0.1]);
const exact = solveExact(game).policy;
const show = (policy: Float64Array): string => Array.from(policy, (x) => x.toFixed(3)).join(' ');
console.log(`equilibrium        ${show(exact)}`);

for (const { t, gap, klToExact = 0, policy } of iterate(game, { solver: 'nash-md', steps: 1000, every: 500, exact }))
  console.log(
    `Nash-MD, step ${String(t).padEnd(5)}${show(policy)}  gap ${gap.toFixed(6)}, KL ${klToExact.toExponential(1)}`,
  );

// a reward cannot say it: every response gets the same, and the policy stays at the reference
const reward = fitBradleyTerry(game.P);
console.log(`reward learning    ${show(tilt(game.ref, reward, game.tau))}`);
