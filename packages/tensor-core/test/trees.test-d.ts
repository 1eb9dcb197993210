// Types of trees and gradients: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import type { Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import {
  captureStep,
  cloneTree,
  flatten,
  type LeafTree,
  mapTree,
  mergeTrees,
  type Params,
  type TreeOf,
  unflatten,
  valueAndGrad,
  valueAndGradWithAux,
  variables,
  zipTree,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

type Net = { embed: Tensor2D; layers: { 0: { w: Tensor } } };
declare const net: Net;
declare const params: Params;
declare const x: Tensor;
declare const loss: Scalar;

// a named tree is a tree, and keeps its structure through every function
const anyTree: Params = net;
const sizes = mapTree(net, (t) => t.size);
check<Same<typeof sizes, { embed: number; layers: { 0: { w: number } } }>>();
const owned = variables(net);
check<Same<(typeof owned)['layers'][0]['w'], Variable>>();
const ownedTree: Params = owned;
check<Same<(typeof copied)['embed'], Tensor>>();
const copied = cloneTree(net);
const zipped = zipTree(net, sizes, (t, n) => `${t.rank}${n}`);
check<Same<(typeof zipped)['embed'], string>>();
check<Same<TreeOf<Tensor, string>, string>>();

// flat forms
check<Same<ReturnType<typeof flatten>, [path: string, tensor: Tensor][]>>();
const back: Params = unflatten(flatten(net));
check<Same<ReturnType<typeof unflatten<number>>, LeafTree<number>>>();
const merged: Params = mergeTrees(params, net);

// @ts-expect-error a number is no leaf
const bad: Params = { a: 1 };
// @ts-expect-error lists are written as objects
flatten({ layers: [x] });
// @ts-expect-error there is no such branch
sizes.layers[1];

// gradients have the structure of the parameters; further arguments are passed through
const step = valueAndGrad((_p: Net, _input: Tensor, _scale: number) => loss);
const result = step(net, x, 2);
check<Same<typeof result, { value: Scalar; grads: Net }>>();
const generic = valueAndGrad((_: Params) => loss)(params);
check<Same<(typeof generic)['grads'], Params>>();
const aux = valueAndGradWithAux((_: Net) => ({ value: loss, aux: { n: 3, logits: x } }))(net);
check<Same<(typeof aux)['aux'], { n: number; logits: Tensor }>>();

// @ts-expect-error the input is missing
step(net);
// @ts-expect-error a loss is a tensor
valueAndGrad((_: Net) => 3);
// @ts-expect-error parameters are a tree of tensors
valueAndGrad((_: { a: number }) => loss);

// a captured step knows its inputs and results by name
const captured = captureStep(({ batch }: { batch: Tensor }) => ({ loss: batch }));
const { loss: value } = captured.run({ batch: Float32Array.of(1) });
check<Same<typeof value, Tensor>>();
// @ts-expect-error another input
captured.run({ other: 1 });

void [anyTree, ownedTree, back, merged, bad];
