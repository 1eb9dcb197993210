// What the library refuses of a text by its number in a list, with the place where the user has it.
import { DataError, type GimbalError } from '@gimbal/tensor-core';

/** as the library names one of many texts */
const numbered = /\btext (\d+)$/;

/**
 * Calls the library with texts.
 * @param placeOf of a text by its number: the line of a file, or the flag
 * @throws DataError with that place; all else as it came
 */
export async function atPlaces<T>(placeOf: (text: number) => string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, where = '', what, got, wanted, fix } = error as Partial<GimbalError>;
    const number = numbered.exec(where)?.[1];
    if (code !== 'ERR_DATA' || number === undefined) throw error;
    const place = placeOf(Number(number));
    throw new DataError({
      where: place,
      what: `${what}`,
      got,
      wanted,
      cause: error,
      ...(fix !== undefined && { fix }),
    });
  }
}

/** Where texts of a flag stand. @param command as it is typed: `gimbal vec2text encode --text` */
export const ofFlag =
  (command: string, texts: readonly string[]) =>
  (text: number): string =>
    texts.length === 1 ? command : `${command}, sentence ${text + 1} of ${texts.length}`;
