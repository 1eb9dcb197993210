// Why a reward is not enough: four small games.
import {
  bestResponse,
  fitBradleyTerry,
  preferenceGames,
  regularizedGame,
  solveExact,
  solveNashLP,
  tilt,
  winProbability,
} from '@gimbal/nash-md';
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { apart, circle } from './internal/games.ts';

const { annotatorTypes, bradleyTerry, condorcet, cyclic, dice } = preferenceGames;

export const claim = defineClaim({
  id: 'N6',
  claim:
    'a reward cannot represent a cycle, is not a win rate even where it is exact, jumps, and depends on the sampling',
  paper: 'section 3, theorem 2, appendices A and C',
  wanted:
    'fits of cycles are 0 and reward learning stays at μ; P(best win rate ≻ best reward) = 50/99; argmax reward flips at ε = 0 where Nash moves by |Δε|; all to 1e-9',
  async run() {
    const checks = new Checks();
    // 1: cycles
    for (const [name, P, edge] of [
      ['R(1)', cyclic(1), 1],
      ['dice', dice(), 5 / 9],
      ['Condorcet', condorcet(), 2 / 3],
    ] as const) {
      for (const at of [1, 5, 6]) checks.near(`${name}, entry ${at}`, P.p[at] as number, edge, 1e-9);
      checks.near(`${name}, reward`, apart(fitBradleyTerry(P), new Float64Array(3)), 0, 1e-9);
      checks.near(`${name}, Nash from uniform`, apart(solveNashLP(P).policy, new Float64Array(3).fill(1 / 3)), 0, 1e-9);
    }
    const game = circle(0.1);
    const learned = tilt(game.ref, fitBradleyTerry(game.P), game.tau);
    checks.near('R(1), reward learning from μ', apart(learned, game.ref), 0, 1e-9);
    const nash = solveExact(game).policy;
    checks.least('R(1), P(Nash ≻ reward learning)', winProbability(game.P, nash, learned), 0.5 + 1e-3);
    // 2: the best win rate on π₁ = 2π₂ is not the best reward, though the reward is exact
    const P = bradleyTerry(Float64Array.of(0, Math.log(9), Math.log(2)));
    const [byReward, byWins] = [Float64Array.of(2 / 3, 1 / 3, 0), Float64Array.of(0, 0, 1)];
    checks.near('P31', P.p[6] as number, 2 / 3, 1e-9);
    checks.near('P32', P.p[7] as number, 2 / 11, 1e-9);
    checks.near('P(π_P ≻ π_R)', winProbability(P, byWins, byReward), 50 / 99, 1e-9);
    // 3: argmax reward jumps where Nash is continuous
    const best = (eps: number): number => {
      const reward = fitBradleyTerry(annotatorTypes(eps));
      return reward.indexOf(Math.max(...reward));
    };
    checks.expect('argmax reward is y1 for ε > 0 and y2 for ε < 0', best(0.05) === 0 && best(-0.05) === 1);
    for (const eps of [0.1, 0.05, -0.05, -0.1]) {
      const wanted = Float64Array.of(1 / 3 + eps / 2, 1 / 3 + eps / 2, 1 / 3 - eps);
      checks.near(`Nash at ε = ${eps}`, apart(solveNashLP(annotatorTypes(eps)).policy, wanted), 0, 1e-9);
    }
    const moved = apart(solveNashLP(annotatorTypes(0.05)).policy, solveNashLP(annotatorTypes(-0.05)).policy);
    checks.near('Nash moves between ε = ±.05 by', moved, 0.1, 1e-9);
    const uniform = fitBradleyTerry(annotatorTypes(0.1));
    checks.near('reward, uniform pairs', apart(uniform, Float64Array.of(0.1003, -0.1003, 0)), 0, 5e-5);
    // 4: theorem 2
    const w = [0.6, 0.3, 0.1];
    const weights = Float64Array.from(
      { length: 9 },
      (_, at) => (w[Math.floor(at / 3)] as number) * (w[at % 3] as number),
    );
    const drawn = fitBradleyTerry(annotatorTypes(0.1), weights);
    checks.near('reward, pairs drawn from w', apart(drawn, Float64Array.of(-0.0334, 0.2353, -0.2019)), 0, 5e-5);
    checks.expect('the sampling changes the winner', drawn.indexOf(Math.max(...drawn)) === 1 && best(0.1) === 0);
    checks.near(
      'best response to itself',
      apart(
        bestResponse(regularizedGame(P, 0.1), solveExact(regularizedGame(P, 0.1)).policy),
        solveExact(regularizedGame(P, 0.1)).policy,
      ),
      0,
      1e-9,
    );
    return checks.result(
      `P(π_P ≻ π_R) ${winProbability(P, byWins, byReward).toFixed(5)}, Nash moves by ${moved.toFixed(5)}`,
    );
  },
});
