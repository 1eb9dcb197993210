/** PNG pictures and APNG films, 8 bits rgb. */
import { deflateSync, crc32 as zlibCrc32 } from 'node:zlib';
import { checkPicture, type Film, joinBytes } from './film.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * Encodes a picture as PNG, lossless.
 * @param rgb `[height * width * 3]`
 */
export function encodePng(rgb: Uint8Array, width: number, height: number): Uint8Array {
  return joinBytes([
    signature,
    chunk('IHDR', header(width, height)),
    chunk('IDAT', packed(rgb, width, height)),
    chunk('IEND'),
  ]);
}

/** An animated PNG that is encoded picture by picture: every frame complete, repeated for ever. */
export class ApngFilm implements Film {
  readonly #frames: Uint8Array[] = [];
  #sequence = 0;

  /** @param delaySeconds of each frame */
  constructor(
    readonly width: number,
    readonly height: number,
    readonly delaySeconds: number,
  ) {}

  add(rgb: Uint8Array): void {
    const { width, height } = this;
    // sequence, size, offset; then delay as a fraction of thousandths
    const control = new Uint8Array(26);
    control.set(words(this.#sequence++, width, height, 0, 0));
    const delay = Math.max(1, Math.round(this.delaySeconds * 1000));
    new DataView(control.buffer).setUint16(20, Math.min(delay, 65535));
    new DataView(control.buffer).setUint16(22, 1000);
    const data = packed(rgb, width, height);
    const isFirst = this.#frames.length === 0;
    this.#frames.push(
      chunk('fcTL', control),
      isFirst ? chunk('IDAT', data) : chunk('fdAT', joinBytes([words(this.#sequence++), data])),
    );
  }

  finish(): Uint8Array {
    const count = chunk('acTL', words(this.#frames.length / 2, 0));
    return joinBytes([
      signature,
      chunk('IHDR', header(this.width, this.height)),
      count,
      ...this.#frames,
      chunk('IEND'),
    ]);
  }
}

/**
 * An animated PNG: every frame complete, repeated for ever.
 * @param delaySeconds of each frame
 */
export function encodeApng(
  frames: Iterable<Uint8Array>,
  width: number,
  height: number,
  delaySeconds: number,
): Uint8Array {
  const film = new ApngFilm(width, height, delaySeconds);
  for (const rgb of frames) film.add(rgb);
  return film.finish();
}

function header(width: number, height: number): Uint8Array {
  return joinBytes([words(width, height), Uint8Array.of(8, 2, 0, 0, 0)]);
}

/** Rows behind the filter "up", which suits still backgrounds, compressed. */
function packed(rgb: Uint8Array, width: number, height: number): Uint8Array {
  checkPicture(rgb, width, height, 'PNG');
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
  const body = joinBytes([new TextEncoder().encode(type), data]);
  return joinBytes([words(data.length), body, words(crc32(body))]);
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
