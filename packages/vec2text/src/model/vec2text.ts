// The model (Cideron et al. 2022, arXiv 2209.06792): a transformer encoder pooled to one vector in a bounded space, and a
// decoder that attends to nothing but M vectors made of it.
//
//   h = Σ m_t H_t / Σ m_t;  z = squash(W h + b);  memory = reshape(U z + c, [M,d]);  L = −mean log p(x_t | x_<t, z)
//
// A variational autoencoder (space free, `variational`): z = u + e^(s/2) ε, and β·KL(N(u, e^s) ‖ N(0, 1)) joins the loss.
import { crossEntropy, type Params, type Rng, ShapeError } from '@gimbal/tensor-core';
import {
  add,
  clipByValue,
  div,
  exp,
  mul,
  reshape,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '@tensorflow/tfjs-core';
import { refusal } from '../internal/refuse.ts';
import { checkThat } from '../space/check-size.ts';
import { type ControlSpace, controlSpace } from '../space/control-space.ts';
import { type Vec2TextConfig, vec2textConfig } from './config.ts';
import type { Vec2TextModule } from './module.ts';
import { initParams, parameterSpecs } from './parameters.ts';
import { dense, memoryOf, pooledStates, type Rows, teacherForced, toLogits } from './stacks.ts';
import { rowsOfTensor, shiftRight, tokenMask } from './token-rows.ts';

/**
 * Makes a model from its description.
 * @throws ConfigError (`CONFIG`) for sizes that do not fit, or an unknown option
 * @example
 * const module = vec2text({ vocabSize: tokenizer.size, controlDim: 32 });
 * const params = module.init(rng(0).split('init'));
 */
export function vec2text(options: Partial<Vec2TextConfig> & { vocabSize: number }): Vec2TextModule {
  const c = vec2textConfig(options);
  const space = controlSpace(c.space, c.controlDim);
  const specs = parameterSpecs(c);
  return {
    config: c,
    space,
    init: (rng) => initParams(specs, rng),
    encode: (params, ids) => {
      checkIds('ids', ids, c);
      checkNoneEmpty(ids, c.padId, 'ids');
      return tidy(() => codesOf(params, c, space, rowsOfTensor(ids, c.padId)).z);
    },
    logits: (params, z, shifted) => {
      checkIds('shifted', shifted, c);
      checkWidth(z, shifted.shape[0], c);
      return tidy(() => toLogits<Tensor3D>(params, c, teacherForced(params, c, memoryOf(params, c, z), shifted)));
    },
    loss: (params, { input, target, zNoise = 0, klCoef = 0 }, rng) => {
      checkIds('input', input, c);
      checkIds('target', target, c);
      if (input.shape[0] !== target.shape[0])
        throw refusal('SHAPE', {
          where: 'vec2text: target',
          what: 'not one row for each of the input',
          got: target.shape[0],
          wanted: input.shape[0],
        });
      checkNoneEmpty(input, c.padId, 'input');
      checkSome(target, c.padId);
      for (const [name, x] of Object.entries({ zNoise, klCoef }))
        checkThat(`vec2text.loss.${name}`, Number.isFinite(x) && x >= 0, x, 'a finite number ≥ 0');
      return tidy(() => {
        const mask = tokenMask(target, c.padId);
        const rows = rowsOfTensor(input, c.padId);
        return div<Scalar>(lossSum(params, c, space, { rows, target, mask, zNoise, klCoef }, rng), sum(mask));
      });
    },
  };
}

/** Codes [B,k] of rows, and what the variational model also has: the log-variances [B,k]. */
export function codesOf(
  params: Params,
  c: Vec2TextConfig,
  space: ControlSpace,
  rows: Rows,
): { z: Tensor2D; logVariance?: Tensor2D } {
  const pooled = pooledStates(params, c, rows);
  const z = space.squash(dense(params, 'bottleneck', pooled));
  return c.variational ? { z, logVariance: clipByValue(dense(params, 'deviation', pooled), -20, 20) } : { z };
}

/** A batch of a loss. */
interface LossRows {
  rows: Rows;
  /** [B,L] int32, padded on the right */
  target: Tensor2D;
  /** 1 on the target's tokens [B,L]; undefined where there is no padding */
  mask?: Tensor2D | undefined;
  zNoise: number;
  klCoef: number;
}

/** Σ −log p over the targets' tokens, plus β times the rows' KL where the model is variational. */
export function lossSum(
  params: Params,
  c: Vec2TextConfig,
  space: ControlSpace,
  { rows, target, mask, zNoise, klCoef }: LossRows,
  rng: Rng,
): Scalar {
  const { z, logVariance } = codesOf(params, c, space, rows);
  const noise = (name: string): Tensor2D => rng.split(name).normalTensor(z.shape) as Tensor2D;
  let code = logVariance ? add<Tensor2D>(z, mul(exp(mul(logVariance, 0.5)), noise('code'))) : z;
  if (zNoise > 0) code = space.project(add(code, mul(noise('zNoise'), zNoise)));
  const [batch, width] = target.shape;
  const shifted = shiftRight(target, c.bosId);
  const flat = (x: Tensor): Tensor => reshape(x, [batch * width]);
  const states = reshape(teacherForced(params, c, memoryOf(params, c, code), shifted), [batch * width, c.width]);
  const total = crossEntropy<Scalar>(toLogits(params, c, states), flat(target), {
    ...(mask && { weights: flat(mask) }),
    reduction: 'sum',
  });
  if (!logVariance || klCoef === 0) return total;
  // KL of normal distributions with independent coordinates: ½ Σ (u² + e^s − 1 − s)
  const kl = mul(sum(sub(add(square(z), exp(logVariance)), add(logVariance, 1))), 0.5);
  return add<Scalar>(total, mul(kl, klCoef));
}

function checkIds(name: string, ids: Tensor2D, c: Vec2TextConfig): void {
  const where = 'vec2text';
  if (ids.rank !== 2 || ids.dtype !== 'int32')
    throw new ShapeError({
      where,
      what: `${name} is no tensor of token rows`,
      got: `${ids.dtype} [${ids.shape}]`,
      wanted: 'int32 [B,L]',
    });
  checkThat(
    `vec2text: ${name}`,
    ids.shape[1] >= 1 && ids.shape[1] <= c.maxLength,
    ids.shape,
    `rows of 1 to ${c.maxLength} tokens`,
  );
  const bad = ids.dataSync<'int32'>().findIndex((id) => id < 0 || id >= c.vocabSize);
  if (bad < 0) return;
  const [row, at] = [Math.floor(bad / ids.shape[1]), bad % ids.shape[1]];
  throw refusal('UNKNOWN_TOKEN', {
    where: `vec2text: ${name}`,
    what: `row ${row}, position ${at} holds no token`,
    got: ids.dataSync<'int32'>()[bad],
    wanted: `0 to ${c.vocabSize - 1}`,
  });
}

/** @throws DataError (`EMPTY_TEXT`) where no row has a token: the mean over none is no number */
function checkSome(target: Tensor2D, padId: number): void {
  if (target.dataSync<'int32'>().some((id) => id !== padId)) return;
  const what = 'every row is padding alone';
  throw refusal('EMPTY_TEXT', { where: 'vec2text: target', what, wanted: 'a token or more' });
}

/** @throws DataError (`EMPTY_TEXT`) naming a row of padding alone, which has no mean */
function checkNoneEmpty(ids: Tensor2D, padId: number, name: string): void {
  const [batch, width] = ids.shape;
  const values = ids.dataSync<'int32'>();
  for (let b = 0; b < batch; b++) {
    if (values.subarray(b * width, (b + 1) * width).some((id) => id !== padId)) continue;
    throw refusal('EMPTY_TEXT', {
      where: `vec2text: ${name}`,
      what: `row ${b} is padding alone`,
      wanted: 'a token or more',
    });
  }
}

function checkWidth(z: Tensor2D, rows: number, c: Vec2TextConfig): void {
  if (z.rank === 2 && z.shape[0] === rows && z.shape[1] === c.controlDim) return;
  throw new ShapeError({
    where: 'vec2text: z',
    what: 'codes of another form',
    got: z.shape,
    wanted: [rows, c.controlDim],
  });
}
