/** An environment of one small vector that can be looked at: a sketch of shapes placed by the state. */
import { Drawing, type Sketch } from '../render/sketch.ts';
import { PureEnv } from './pure-env.ts';

/** Base of the tasks without a physics engine that have a picture. */
export abstract class DrawnEnv extends PureEnv {
  #drawing: Drawing | undefined;

  /** What it looks like. @throws ConfigError where there is nothing to show */
  protected abstract sketch(): Sketch;

  /** Its shapes, where the present state puts them. */
  drawing(): Drawing {
    this.#drawing ??= new Drawing(this.sketch());
    this.#drawing.place(this.state);
    return this.#drawing;
  }

  /** A picture of the present state, rgb, without a display; into `out` (`[height * width * 3]`) or a new array. */
  render(o?: { width?: number; height?: number; out?: Uint8Array }): Uint8Array {
    return this.drawing().render(o);
  }
}
