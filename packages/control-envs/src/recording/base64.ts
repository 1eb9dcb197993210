/** Float32 arrays as base64 text, in Node and in the page. */

export const encodeFloats = (xs: Float32Array): string =>
  encodeBytes(new Uint8Array(xs.buffer, xs.byteOffset, xs.byteLength));

export function encodeBytes(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

export const decodeBytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

export function decodeFloats(text: string): Float32Array {
  const bytes = decodeBytes(text);
  return new Float32Array(bytes.buffer, 0, bytes.length >> 2);
}
