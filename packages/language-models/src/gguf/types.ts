// The types of numbers that a GGUF file can hold, and how many bytes a block of them takes (ggml's ids).

export interface BlockType {
  readonly name: GgufType;
  readonly id: number;
  /** Values in a block. */
  readonly size: number;
  /** Bytes of a block. */
  readonly bytes: number;
}

export type GgufType = 'F32' | 'F16' | 'BF16' | 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'Q4_K' | 'Q5_K' | 'Q6_K';

const type = (name: GgufType, id: number, size: number, bytes: number): BlockType => ({ name, id, size, bytes });

/** Those that are read. */
export const blockTypes: readonly BlockType[] = [
  type('F32', 0, 1, 4),
  type('F16', 1, 1, 2),
  type('Q4_0', 2, 32, 18),
  type('Q4_1', 3, 32, 20),
  type('Q5_0', 6, 32, 22),
  type('Q5_1', 7, 32, 24),
  type('Q8_0', 8, 32, 34),
  type('Q4_K', 12, 256, 144),
  type('Q5_K', 13, 256, 176),
  type('Q6_K', 14, 256, 210),
  type('BF16', 30, 1, 2),
];

export const blockType = (name: GgufType): BlockType => blockTypes.find((t) => t.name === name) as BlockType;
