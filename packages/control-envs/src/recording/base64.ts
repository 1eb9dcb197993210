/** Float32 arrays as base64 text, in Node and in the page. */

export function encodeFloats(xs: Float32Array): string {
  const bytes = new Uint8Array(xs.buffer, xs.byteOffset, xs.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

export function decodeFloats(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer, 0, bytes.length >> 2);
}
