/**
 * Stretches of `room` tokens that cover all of them, each half over the one before: what straddles the end of one stands
 * whole in another. The last one ends with the tokens.
 */
export function windowsOf(tokens: Int32Array, room: number): Int32Array[] {
  if (tokens.length <= room) return [tokens];
  const step = Math.max(1, Math.floor(room / 2));
  const starts: number[] = [];
  for (let at = 0; at + room < tokens.length; at += step) starts.push(at);
  return [...starts, tokens.length - room].map((at) => tokens.subarray(at, at + room));
}
