// Kernels that answer a question about their inputs - comparisons, logic, arg-max - have a derivative of zero almost
// everywhere. tfjs gives it to some, lets others stop a backward pass (`less` inside a loss
// throws), and gives floorDiv the derivative of div.
import { registerGradient, type Tensor, zeros } from '@tensorflow/tfjs-core';

const inputsOf: Readonly<Record<string, readonly string[]>> = {
  Equal: ['a', 'b'],
  NotEqual: ['a', 'b'],
  Greater: ['a', 'b'],
  GreaterEqual: ['a', 'b'],
  Less: ['a', 'b'],
  LessEqual: ['a', 'b'],
  LogicalAnd: ['a', 'b'],
  LogicalOr: ['a', 'b'],
  LogicalNot: ['x'],
  BitwiseAnd: ['a', 'b'],
  All: ['x'],
  Any: ['x'],
  ArgMax: ['x'],
  ArgMin: ['x'],
  IsNan: ['x'],
  IsInf: ['x'],
  IsFinite: ['x'],
  Sign: ['x'],
  FloorDiv: ['a', 'b'],
  Multinomial: ['logits'],
  SearchSorted: ['sortedSequence', 'values'],
};

export function registerZeroGradients(): void {
  for (const [kernelName, names] of Object.entries(inputsOf)) {
    registerGradient({
      kernelName,
      // for their shapes: a broadcast input is smaller than the output
      inputsToSave: [...names],
      gradFunc: (_, saved) =>
        Object.fromEntries(names.map((name, i) => [name, () => zeros((saved[i] as Tensor).shape)])),
    });
  }
}
