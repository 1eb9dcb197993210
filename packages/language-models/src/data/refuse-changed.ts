// What JSON.parse changes without a word: numbers that JavaScript cannot hold, and of two keys of one name the first.
import { DataError } from '@gimbal/tensor-core';

// strings first, so that what stands inside them is passed over
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\]]/g;

/**
 * Refuses a line whose value is not what it says.
 * @param line JSON, already parsed without an error
 * @param where names it
 * @throws DataError for a number that JavaScript cannot hold, or a key that an object has twice
 */
export function refuseChanged(line: string, where: string): void {
  const open: Set<string>[] = []; // the keys so far of each object that is not closed, none of a list
  let column = '';
  for (const { 0: token, index } of line.matchAll(tokens)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (!token.startsWith('"')) refuseInexact(token, column, where);
    else if (isKey(line, index + token.length)) {
      column = JSON.parse(token);
      const keys = open.at(-1);
      if (keys?.has(column)) {
        const fix = 'Give one of them another name: JavaScript keeps the last alone';
        throw new DataError({ where, what: `an object has the key ${column} twice`, fix });
      }
      keys?.add(column);
    }
  }
}

/** Whether a colon comes next. */
function isKey(line: string, from: number): boolean {
  let at = from;
  while (/\s/.test(line[at] ?? '')) at++;
  return line[at] === ':';
}

function refuseInexact(token: string, column: string, where: string): void {
  const whole = /^(-?\d{16,})(?:\.0*)?$/.exec(token)?.[1];
  const isRounded = whole !== undefined && BigInt(whole) !== BigInt(Number(whole));
  if (!isRounded && Number.isFinite(Number(token))) return;
  throw new DataError({
    where,
    what: `column ${column} holds a number that JavaScript cannot hold${isRounded ? ' exactly' : ''}`,
    got: token,
    wanted: isRounded ? 'at most 9007199254740992, or a string' : 'at most 1.8e308, or a string',
    fix: 'Write it in quotes',
  });
}
