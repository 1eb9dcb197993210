// Language models of three tokens, with a circle in what is preferred: the trainers themselves, measured exactly.
import { TokenPolicyTrainer } from '@gimbal/fma-pg';
import {
  dualityGap,
  exploitability,
  fitBradleyTerry,
  type NashMdOptions,
  NashMdTrainer,
  type RegularizedGame,
  regularizedGame,
  type TokenTable,
  tokenTable,
} from '@gimbal/nash-md';
import { disposeTree, type Params, rng } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';

const [V, length, tau, batch, steps] = [4, 3, 0.05, 32, 1500];

type Method = Pick<NashMdOptions, 'opponent' | 'objective' | 'inverseStep' | 'innerSteps'>;
const against = (mixtureCoef: number): Method => ({ opponent: { kind: 'mixture', mixtureCoef } });

/** Methods by name; undefined = reward learning. */
const methods: { readonly [name: string]: Method | undefined } = {
  'β 0': against(0),
  'β .125': against(0.125),
  'β .375': against(0.375),
  'β .75': against(0.75),
  'best response': against(1),
  'average .99': { opponent: { kind: 'ema', decay: 0.99 } },
  RLHF: undefined,
};
const near = ['β 0', 'β .125', 'β .375'];
/** With --full: other averages, and the other objectives; reported. */
const more: { readonly [name: string]: Method } = {
  'average .9': { opponent: { kind: 'ema', decay: 0.9 } },
  'average .999': { opponent: { kind: 'ema', decay: 0.999 } },
  'online IPO': { objective: 'online-ipo' },
  'IPO-MD .125': { objective: 'ipo-md' },
  'online DPO': { objective: 'online-dpo' },
  SPPO: { objective: 'sppo', inverseStep: 1, innerSteps: 4 },
  DNO: { objective: 'dno', inverseStep: 1, innerSteps: 4 },
  INPO: { objective: 'inpo', innerSteps: 4 },
  EGPO: { objective: 'egpo' },
  'Nash-MP': { objective: 'nash-mp' },
};
/** SPPO and DNO have no τ: the gap of the regularised game says nothing of them, their exploitability does. */
const isRegularised = (method?: Method): boolean => method?.objective !== 'sppo' && method?.objective !== 'dno';
const own: readonly number[] = [0, 1, 2];

export const claim = defineClaim({
  id: 'N9',
  claim:
    'on completions of tokens with a cyclic preference, small mixtures of the opponent stay near the equilibrium; large ones, the best response to μ, an averaged opponent and reward learning do not',
  paper: 'section 8: β from .125 to .375 does best; β = 1 and the averages do worse',
  wanted:
    'mean gap of the last fifth: β ≤ .375 ≤ .08, the others ≥ .12; exploitability: β ≤ .375 ≤ .13, best response ≥ .2',
  seeds: own,
  async run({ seeds: asked, full, signal, note }) {
    const seeds = full && asked === own ? [0, 1, 2, 3, 4] : asked;
    const checks = new Checks();
    const parts: string[] = [];
    for (const [name, method] of Object.entries({ ...methods, ...(full && more) })) {
      const found: Measured[] = [];
      for (const seed of seeds) {
        found.push(await measure(method, seed, signal));
        note(`N9 ${name}, seed ${seed}: gap ${found.at(-1)?.gap.toFixed(3)}`);
      }
      const [gap, exploited] = [mean(found.map((f) => f.gap)), mean(found.map((f) => f.exploited))];
      if (near.includes(name)) {
        checks.most(`${name}, gap`, gap, 0.08);
        checks.most(`${name}, exploitability`, exploited, 0.13);
      } else if (name in methods) checks.least(`${name}, gap`, gap, 0.12);
      if (name === 'best response') checks.least(`${name}, exploitability`, exploited, 0.2);
      parts.push(`${name} ${isRegularised(method) ? gap.toFixed(3) : 'no τ'} (${exploited.toFixed(2)})`);
    }
    return checks.result(`gap (exploitability): ${parts.join(', ')}`);
  },
});

interface Measured {
  gap: number;
  exploited: number;
}

async function measure(method: Method | undefined, seed: number, signal: AbortSignal): Promise<Measured> {
  const policy = tokenTable({ vocabulary: V, length });
  const z = reference(policy, seed);
  const game = gameOf(policy, z);
  const params = policy.params(z);
  const place = (text: string): number => text.split(' ').reduce((code, token) => code * V + Number(token), 0);
  const common = {
    ...{
      policy,
      params,
      codec: policy.codec,
      prompts: ['x'],
      batchSize: batch,
      maxNewTokens: length,
      seed,
    },
    optimizer: { name: 'adam' as const },
    learningRate: (step: number) => 0.03 * Math.min(1, 2 * (1 - step / steps)),
  };
  const { p, n } = game.P;
  const reward = method === undefined ? fittedReward(game) : undefined;
  const trainer =
    method === undefined
      ? new TokenPolicyTrainer({
          ...{ ...common, klCoef: tau, baseline: 'batch' as const },
          reward: (_, texts) => texts.map((text) => reward?.[place(text)] as number),
        })
      : new NashMdTrainer({
          ...{ ...common, ...method, ...(isRegularised(method) && { klCoef: tau }), orders: 'one' as const },
          preference: (_, a, b) => a.map((text, i) => p[place(text) * n + place(b[i] as string)] as number),
        });
  try {
    const [gaps, exploited]: [number[], number[]] = [[], []];
    for await (const { step } of trainer.train({ steps, signal })) {
      if (step <= 0.8 * steps || step % 10 !== 0) continue;
      const now = distribution(policy, trainer.params);
      gaps.push(dualityGap(game, now));
      exploited.push(exploitability(game.P, now));
    }
    signal.throwIfAborted();
    return { gap: mean(gaps), exploited: mean(exploited) };
  } finally {
    trainer.dispose();
    disposeTree(params);
  }
}

/** μ: first tokens .5, .25, .15, .1; what follows at random */
function reference(policy: TokenTable, seed: number): Float64Array {
  const stream = rng(seed).split('claims.N9');
  const z = Float64Array.from({ length: policy.prefixes * V }, () => 0.5 * stream.normal());
  for (const [i, weight] of [0.5, 0.25, 0.15, 0.1].entries()) z[i] = Math.log(weight);
  return z;
}

/**
 * P = ½ + .2 (q_i − q_j) + .3·(the first tokens 0, 1, 2 in a circle) ± .4 against first token 3, within [.02, .98];
 * q counts a second token 1 and a third token 2.
 */
function gameOf(policy: TokenTable, z: Float64Array): RegularizedGame {
  const { completions } = policy;
  const n = completions.length;
  const quality = completions.map(([, second, third]) => Number(second === 1) + Number(third === 2));
  const p = new Float64Array(n * n).fill(0.5);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [completions[i]?.[0] as number, completions[j]?.[0] as number];
      let x = 0.5 + 0.2 * ((quality[i] as number) - (quality[j] as number));
      if (a !== b && (a === 3 || b === 3)) x += a === 3 ? -0.4 : 0.4;
      else if (a !== b) x += (a + 1) % 3 === b ? 0.3 : -0.3;
      p[i * n + j] = Math.min(0.98, Math.max(0.02, x));
      p[j * n + i] = 1 - (p[i * n + j] as number);
    }
  }
  const mu = policy.logProbabilities(z).map(Math.exp);
  const total = mu.reduce((s, x) => s + x, 0);
  return regularizedGame(
    { n, p },
    tau,
    mu.map((x) => x / total),
  );
}

/** The reward of a Bradley–Terry fit to all pairs, drawn from μ. */
function fittedReward({ ref, P }: RegularizedGame): Float64Array {
  const weights = Float64Array.from({ length: P.n ** 2 }, (_, at) => {
    const [i, j] = [Math.floor(at / P.n), at % P.n];
    return i === j ? 0 : (ref[i] as number) * (ref[j] as number);
  });
  return fitBradleyTerry(P, weights);
}

function distribution(policy: TokenTable, params: Params): Float64Array {
  const z = Float64Array.from((params.logits as Tensor).dataSync<'float32'>());
  const p = policy.logProbabilities(z).map(Math.exp);
  const total = p.reduce((s, x) => s + x, 0);
  return p.map((x) => x / total);
}
