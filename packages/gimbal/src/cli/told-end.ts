// Whether somebody has been told why the process ends: what ends it in silence is another's doing, as a module's of the user.

let told = false;

/** The reason is told, or a person asked for the end. */
export function tellEnd(): void {
  told = true;
}

/** A command begins. */
export function beginUntold(): void {
  told = false;
}

export const isEndTold = (): boolean => told;
