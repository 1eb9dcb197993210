/** CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of TFRecord files. */

const table = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  table[n] = c;
}

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const b of bytes) crc = (crc >>> 8) ^ (table[(crc ^ b) & 0xff] as number);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Rotated right by 15 bits and shifted by a constant: data that holds checksums does not check itself. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
