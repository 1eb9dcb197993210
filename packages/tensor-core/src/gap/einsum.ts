// Einstein summation: tfjs has no gradient for it, no kernel for it on wasm, and multiplies elementwise on cpu.
import {
  broadcastTo,
  engine,
  type KernelFunc,
  matMul,
  type NamedAttrMap,
  registerGradient,
  reshape,
  sum,
  type Tensor,
  type Tensor3D,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';

export function registerEinsumGradient(): void {
  registerGradient({ kernelName: 'Einsum', saveAllInputs: true, gradFunc: einsumGradient });
}

/** The terms of `ij,jk->ik`: [['ij', 'jk'], 'ik']. */
function parse(equation: string): { terms: string[]; output: string } {
  const [left = '', output = ''] = equation.replace(/\s/g, '').split('->');
  return { terms: left.split(','), output };
}

/**
 * The gradient of one operand is the einsum of dy and the other operands onto its labels; labels that only it has were
 * summed over, so that there the gradient is constant.
 */
function einsumGradient(
  dy: Tensor | Tensor[],
  saved: Tensor[],
  attrs: NamedAttrMap,
): { [input: string]: () => Tensor } {
  const { terms, output } = parse(attrs.equation as string);
  const gradient = (i: number): Tensor => {
    const others = saved.filter((_, j) => j !== i);
    const otherTerms = terms.filter((_, j) => j !== i);
    const term = terms[i] ?? '';
    const known = [...term].filter((label) => output.includes(label) || otherTerms.some((t) => t.includes(label)));
    const equation = `${[output, ...otherTerms].join(',')}->${known.join('')}`;
    const reduced = engine().runKernel('Einsum', [dy, ...others] as never, { equation }) as Tensor;
    const shape = saved[i]?.shape ?? [];
    if (known.length === term.length) return reduced;
    const ones = [...term].map((label, axis) => (known.includes(label) ? (shape[axis] ?? 1) : 1));
    return broadcastTo(reshape(reduced, ones), shape);
  };
  return Object.fromEntries(saved.map((_, i) => [String(i), () => gradient(i)]));
}

/**
 * A body for backends without one, and a fast one elsewhere: sums over what only one operand has, then one batched
 * matrix product. One or two operands, as in tfjs; labels may not repeat within an operand.
 */
export const einsumByMatMul: KernelFunc = ({ inputs, attrs }) => {
  const { terms, output } = parse((attrs as NamedAttrMap).equation as string);
  const operands = Object.values(inputs) as Tensor[];
  return tidy(() => {
    const reduced = operands.map((x, i) => {
      const others = terms.filter((_, j) => j !== i);
      return sumAway(x, terms[i] ?? '', (label) => output.includes(label) || others.some((t) => t.includes(label)));
    });
    const [a, b] = reduced;
    if (a === undefined) throw new Error('einsum: no operand');
    if (b === undefined) return arrange(a.x, a.labels, output);
    return product(a, b, output);
  });
};

interface Labelled {
  x: Tensor;
  labels: string;
}

function sumAway(x: Tensor, labels: string, keep: (label: string) => boolean): Labelled {
  const axes = [...labels].flatMap((label, axis) => (keep(label) ? [] : [axis]));
  if (axes.length === 0) return { x, labels };
  return { x: sum(x, axes), labels: [...labels].filter(keep).join('') };
}

/** x with its axes in the order of `wanted`, a permutation of `labels`. */
function arrange(x: Tensor, labels: string, wanted: string): Tensor {
  return transpose(
    x,
    [...wanted].map((label) => labels.indexOf(label)),
  );
}

function product(a: Labelled, b: Labelled, output: string): Tensor {
  const both = [...a.labels].filter((label) => b.labels.includes(label));
  const batch = both.filter((label) => output.includes(label)).join('');
  const inner = both.filter((label) => !output.includes(label)).join('');
  const left = [...a.labels].filter((label) => !both.includes(label)).join('');
  const right = [...b.labels].filter((label) => !both.includes(label)).join('');
  const extent = (labels: string): number[] =>
    [...labels].map((label) => a.x.shape[a.labels.indexOf(label)] ?? b.x.shape[b.labels.indexOf(label)] ?? 1);
  const size = (labels: string): number => extent(labels).reduce((n, d) => n * d, 1);
  const x = reshape(arrange(a.x, a.labels, batch + left + inner), [size(batch), size(left), size(inner)]);
  const y = reshape(arrange(b.x, b.labels, batch + inner + right), [size(batch), size(inner), size(right)]);
  const xy = matMul(x as Tensor3D, y as Tensor3D); // [batch, left, right]
  const labels = batch + left + right;
  return arrange(reshape(xy, extent(labels)), labels, output);
}
