// Size classes: multiples of 64 bytes up to 8 KiB, then quarter steps of a power of two (at most 25 % larger than
// asked, and what is never touched costs no memory).

const SMALL_STEP = 64;
const SMALL_LIMIT = 8192;
const SMALL_CLASSES = SMALL_LIMIT / SMALL_STEP; // classes 1…128

/** The class of a size in bytes; 1 is the smallest. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALL_LIMIT) return bytes <= SMALL_STEP ? 1 : Math.ceil(bytes / SMALL_STEP);
  // 2^e < bytes <= 2^(e+1), e >= 13; quarters of that interval
  const e = bytes <= 0x80000000 ? 31 - Math.clz32(bytes - 1) : Math.floor(Math.log2(bytes - 1));
  const power = 2 ** e;
  return SMALL_CLASSES + (e - 13) * 4 + Math.ceil((bytes - power) / (power / 4));
}

/** The bytes that blocks of a class have: a multiple of 64. */
export function classBytes(index: number): number {
  if (index <= SMALL_CLASSES) return index * SMALL_STEP;
  const step = index - SMALL_CLASSES - 1;
  const power = 2 ** (13 + Math.floor(step / 4));
  return power + (power / 4) * ((step % 4) + 1);
}
