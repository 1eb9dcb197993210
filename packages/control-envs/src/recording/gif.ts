/** GIF films: 252 fixed colours (6 × 7 × 6) with ordered dithering, LZW-compressed. */
import { checkPicture, type Film, joinBytes } from './film.ts';

const [reds, greens, blues] = [6, 7, 6];
const bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map((v) => v / 16 - 0.47);

const short = (n: number): number[] => [n & 255, n >> 8];

/** A GIF that is encoded picture by picture and repeated for ever. */
export class GifFilm implements Film {
  readonly #parts: Uint8Array[];

  /** @param delaySeconds of each frame; GIF counts hundredths, at least two */
  constructor(
    readonly width: number,
    readonly height: number,
    readonly delaySeconds: number,
  ) {
    const head = [...[...'GIF89a'].map((c) => c.charCodeAt(0)), ...short(width), ...short(height), 0xf7, 0, 0];
    const level = (n: number, of: number): number => Math.min(255, Math.round((255 * n) / (of - 1)));
    for (let i = 0; i < 256; i++) {
      const [r, g, b] = [Math.floor(i / (greens * blues)), Math.floor(i / blues) % greens, i % blues];
      head.push(level(r, reds), level(g, greens), level(b, blues));
    }
    // repeat for ever
    head.push(0x21, 0xff, 11, ...[...'NETSCAPE2.0'].map((c) => c.charCodeAt(0)), 3, 1, 0, 0, 0);
    this.#parts = [Uint8Array.from(head)];
  }

  add(rgb: Uint8Array): void {
    const { width, height } = this;
    checkPicture(rgb, width, height, 'GIF');
    const delay = Math.max(2, Math.round(this.delaySeconds * 100));
    const out = [0x21, 0xf9, 4, 0, ...short(delay), 0, 0, 0x2c, 0, 0, 0, 0, ...short(width), ...short(height), 0, 8];
    const data = lzw(indices(rgb, width, height));
    for (let i = 0; i < data.length; i += 255) {
      const block = data.slice(i, i + 255);
      out.push(block.length, ...block);
    }
    out.push(0);
    this.#parts.push(Uint8Array.from(out));
  }

  finish(): Uint8Array {
    return joinBytes([...this.#parts, Uint8Array.of(0x3b)]);
  }
}

/**
 * Encodes a film as GIF, repeated for ever.
 * @param frames rgb, `[height * width * 3]` each
 * @param delaySeconds of each frame; GIF counts hundredths, at least two
 */
export function encodeGif(
  frames: Iterable<Uint8Array>,
  width: number,
  height: number,
  delaySeconds: number,
): Uint8Array {
  const film = new GifFilm(width, height, delaySeconds);
  for (const rgb of frames) film.add(rgb);
  return film.finish();
}

/** Each pixel's colour in the table. */
function indices(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height);
  const nearest = (value: number, levels: number, dither: number): number =>
    Math.min(levels - 1, Math.max(0, Math.round((value / 255) * (levels - 1) + dither)));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const dither = (bayer[(y & 3) * 4 + (x & 3)] as number) * 0.6;
      const r = nearest(rgb[3 * at] as number, reds, dither);
      const g = nearest(rgb[3 * at + 1] as number, greens, dither);
      const b = nearest(rgb[3 * at + 2] as number, blues, dither);
      out[at] = (r * greens + g) * blues + b;
    }
  }
  return out;
}

/** Variable-width codes from 9 to 12 bits; the table starts anew when it is full. */
function lzw(data: Uint8Array): number[] {
  const [clear, end] = [256, 257];
  const out: number[] = [];
  let [bits, held, width, next] = [0, 0, 9, 258];
  let table = new Map<number, number>();
  const write = (code: number): void => {
    held |= code << bits;
    bits += width;
    while (bits >= 8) {
      out.push(held & 255);
      held >>>= 8;
      bits -= 8;
    }
  };
  write(clear);
  let prefix = data[0] as number;
  for (let i = 1; i < data.length; i++) {
    const value = data[i] as number;
    const known = table.get((prefix << 8) | value);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    write(prefix);
    if (next < 4096) {
      table.set((prefix << 8) | value, next);
      if (next === 1 << width && width < 12) width++;
      next++;
    } else {
      write(clear);
      table = new Map();
      [width, next] = [9, 258];
    }
    prefix = value;
  }
  write(prefix);
  write(end);
  if (bits > 0) out.push(held & 255);
  return out;
}
