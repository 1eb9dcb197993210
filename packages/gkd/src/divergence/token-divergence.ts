/** D of each token, from the logits of student and teacher. */
import {
  ConfigError,
  checkKnown,
  checkPositive,
  divergence,
  isTensor,
  ShapeError,
  stopGradient,
} from '@gimbal/tensor-core';
import { logSoftmax, mul, reshape, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { checkDivergence, type Divergence, isCustom, opOptions, type Temperatures } from './divergence.ts';

/**
 * D(p‖q) of each row, in nats; differentiable in the student's logits, the teacher's are constants.
 * @param zS the student's logits `[rows, V]` (or any shape ending in V) float32, of completion positions only
 * @param zT the teacher's, like zS; −∞ bans a token
 * @param o temperatures that the logits are divided by; the result is not multiplied by T²
 * @returns `[rows]`; the caller disposes it
 * @throws ConfigError for β or α outside [0, 1] and temperatures ≤ 0; ShapeError where the shapes differ
 * @example tokenDivergence(zS, zT, { kind: 'jsd', beta: 0.9 })
 */
export function tokenDivergence<T extends Tensor = Tensor1D>(
  zS: Tensor,
  zT: Tensor,
  d: Divergence,
  o: Temperatures = {},
): T {
  checkKnown('tokenDivergence', o, temperatureNames);
  for (const [name, x] of Object.entries({ zS, zT })) checkTensor('tokenDivergence', name, x);
  checkDivergence('tokenDivergence', d);
  checkTemperatures('tokenDivergence', o);
  checkLogits('tokenDivergence', zS, zT);
  const options = opOptions(d, o);
  if (options !== undefined) return divergence<T>(zS, zT, options);
  return customDivergence(zS, zT, d, o) as T;
}

function customDivergence(zS: Tensor, zT: Tensor, d: Divergence, o: Temperatures): Tensor {
  if (!isCustom(d)) throw new TypeError('not the user’s own');
  const { teacherTemperature = 1, studentTemperature = 1 } = o;
  return tidy(() => {
    const V = zS.shape.at(-1) as number;
    const rows = V === 0 ? 0 : zS.size / V;
    const logs = (z: Tensor, t: number): Tensor2D => logSoftmax(mul(reshape(z, [rows, V]), 1 / t)) as Tensor2D;
    // a constant: the op above has no gradient for the teacher either
    const target = stopGradient(logs(zT, teacherTemperature));
    const value = d.value(target, logs(zS, studentTemperature));
    if (value.rank !== 1 || value.shape[0] !== rows)
      throw new ShapeError({
        where: 'tokenDivergence, custom',
        what: 'value gave another shape',
        got: value.shape,
        wanted: `[${rows}], one number a row`,
      });
    return reshape(value, zS.shape.slice(0, -1));
  });
}

/** @throws ShapeError */
function checkLogits(where: string, zS: Tensor, zT: Tensor): void {
  if (zS.rank >= 1 && String(zS.shape) === String(zT.shape)) return;
  throw new ShapeError({
    where,
    what: 'the logits of student and teacher have different shapes',
    got: `student [${zS.shape}], teacher [${zT.shape}]`,
    wanted: 'the same, [rows, vocabulary]',
    fix: 'Score the same completion ids with both, and use models of one tokenizer',
  });
}

/** @throws ConfigError for what is no tensor */
export function checkTensor(where: string, name: string, got: unknown): void {
  if (isTensor(got)) return;
  const what = got === undefined ? `${name} is missing` : `${name} is no tensor`;
  throw new ConfigError({ where, what, ...(got !== undefined && { got: typeof got }), wanted: 'a tensor' });
}

/** Names of both. */
export const temperatureNames = ['teacherTemperature', 'studentTemperature'] as const;

/** The temperatures among other options. */
export const temperaturesIn = ({
  teacherTemperature = 1,
  studentTemperature = 1,
}: Temperatures): Required<Temperatures> => ({
  teacherTemperature,
  studentTemperature,
});

/** @throws ConfigError */
export function checkTemperatures(where: string, o: Temperatures): void {
  for (const name of temperatureNames) if (o[name] !== undefined) checkPositive(`${where}, ${name}`, o[name]);
}
