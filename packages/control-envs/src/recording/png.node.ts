/** PNG pictures and APNG films, 8 bits rgb. */
import { deflateSync, crc32 as zlibCrc32 } from 'node:zlib';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * Encodes a picture as PNG, lossless.
 * @param rgb `[height * width * 3]`
 */
export function encodePng(rgb: Uint8Array, width: number, height: number): Uint8Array {
  return join([
    signature,
    chunk('IHDR', header(width, height)),
    chunk('IDAT', packed(rgb, width, height)),
    chunk('IEND'),
  ]);
}

/**
 * An animated PNG: every frame complete, repeated for ever.
 * @param delaySeconds of each frame
 */
export function encodeApng(
  frames: readonly Uint8Array[],
  width: number,
  height: number,
  delaySeconds: number,
): Uint8Array {
  const parts = [signature, chunk('IHDR', header(width, height)), chunk('acTL', words(frames.length, 0))];
  let sequence = 0;
  const delay = Math.max(1, Math.round(delaySeconds * 1000));
  for (const [i, rgb] of frames.entries()) {
    // sequence, size, offset; then delay as a fraction of thousandths
    const control = new Uint8Array(26);
    control.set(words(sequence++, width, height, 0, 0));
    new DataView(control.buffer).setUint16(20, Math.min(delay, 65535));
    new DataView(control.buffer).setUint16(22, 1000);
    parts.push(chunk('fcTL', control));
    const data = packed(rgb, width, height);
    parts.push(i === 0 ? chunk('IDAT', data) : chunk('fdAT', join([words(sequence++), data])));
  }
  parts.push(chunk('IEND'));
  return join(parts);
}

function header(width: number, height: number): Uint8Array {
  return join([words(width, height), Uint8Array.of(8, 2, 0, 0, 0)]);
}

/** Rows behind the filter "up", which suits still backgrounds, compressed. */
function packed(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const row = 3 * width;
  const raw = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) {
    raw[y * (row + 1)] = 2;
    for (let i = 0; i < row; i++) {
      const above = y === 0 ? 0 : (rgb[(y - 1) * row + i] as number);
      raw[y * (row + 1) + 1 + i] = (rgb[y * row + i] as number) - above;
    }
  }
  return deflateSync(raw);
}

function words(...values: number[]): Uint8Array {
  const out = new Uint8Array(4 * values.length);
  for (const [i, value] of values.entries()) new DataView(out.buffer).setUint32(4 * i, value);
  return out;
}

function chunk(type: string, data: Uint8Array = new Uint8Array()): Uint8Array {
  const body = join([new TextEncoder().encode(type), data]);
  return join([words(data.length), body, words(crc32(body))]);
}

// zlib's is in Node from 20.15 on
const crc32: (bytes: Uint8Array) => number = zlibCrc32 ?? slowCrc32;

function slowCrc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
