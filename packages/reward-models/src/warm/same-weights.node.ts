// Whether two model folders hold the same weights: their files are read together, up to where they first differ.
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const chunkBytes = 1 << 20;

/** Whether two folders’ weights are the same, byte for byte: false too for weights that are held in other types, or divided into other files. */
export async function sameWeights(a: string, b: string): Promise<boolean> {
  const [names, others] = [await weightFiles(a), await weightFiles(b)];
  if (names.length === 0 || names.join() !== others.join()) return false;
  for (const name of names) if (!(await sameFile(join(a, name), join(b, name)))) return false;
  return true;
}

const weightFiles = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort();

async function sameFile(a: string, b: string): Promise<boolean> {
  const files = [await open(a), await open(b)] as const;
  try {
    const [size, other] = [(await files[0].stat()).size, (await files[1].stat()).size];
    if (size !== other) return false;
    const chunks = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)] as const;
    for (let at = 0; at < size; at += chunkBytes) {
      const length = Math.min(chunkBytes, size - at);
      for (const i of [0, 1] as const) await files[i].read(chunks[i], 0, length, at);
      if (!chunks[0].subarray(0, length).equals(chunks[1].subarray(0, length))) return false;
    }
    return true;
  } finally {
    for (const file of files) await file.close();
  }
}
