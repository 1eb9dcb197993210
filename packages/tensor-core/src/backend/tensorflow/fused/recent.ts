// Tensors that many calls share, by name: those that were asked for last are held.
import { engine, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core';

/** Held values count as no tensors: nobody has to dispose what an operation holds for the next. */
export class Recent {
  private readonly entries = new Map<string, TensorInfo[]>();

  /** @param most names that are held */
  constructor(private readonly most: number) {}

  /**
   * @param make what is not held yet; runs in a scope
   * @returns tensors of the caller's scope
   */
  get(name: string, make: () => Tensor[]): Tensor[] {
    let held = this.entries.get(name);
    if (held !== undefined) this.entries.delete(name);
    else {
      const made: TensorInfo[] = [];
      tidy(() => void made.push(...make().map(hold)));
      held = made;
    }
    this.entries.set(name, held);
    if (this.entries.size > this.most) {
      const [oldest, gone] = this.entries.entries().next().value as [string, TensorInfo[]];
      this.entries.delete(oldest);
      for (const info of gone) engine().makeTensorFromTensorInfo(info).dispose();
    }
    return held.map((info) => engine().makeTensorFromTensorInfo(hold(info)));
  }
}

/** One more owner of the values. */
function hold({ dataId, shape, dtype }: TensorInfo): TensorInfo {
  engine().backend.incRef(dataId);
  return { dataId, shape, dtype };
}
