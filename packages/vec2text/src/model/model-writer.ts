// How a trainer's checkpoints get their model folder: Node's part of the package brings the writer, a page has no folders.
import type { Vec2Text } from './module.ts';

/** Writes a model's files into a folder that its caller makes complete. */
type ModelWriter = (folder: string, model: Vec2Text) => Promise<void>;

let registered: ModelWriter | undefined;

/** Sets the writer of this process. */
export function registerModelWriter(writer: ModelWriter): void {
  registered = writer;
}

/** The writer; undefined in a page. */
export const modelWriter = (): ModelWriter | undefined => registered;
