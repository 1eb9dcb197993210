// One question at a time, and after it the newest: who types faster than ways are computed waits for two of them at most.

/**
 * Asks one question at a time.
 * @returns as `ask`, but while one is answered only the newest waits: of an older one undefined comes, and it is not asked
 */
export function newestFirst<Q, A>(ask: (question: Q) => Promise<A>): (question: Q) => Promise<A | undefined> {
  let waits: { drop(): void; go(): void } | undefined;
  let isBusy = false;
  return async (question) => {
    if (isBusy) {
      waits?.drop();
      const isNewest = await new Promise<boolean>((resolve) => {
        waits = { drop: () => resolve(false), go: () => resolve(true) };
      });
      if (!isNewest) return undefined;
    }
    isBusy = true;
    try {
      return await ask(question);
    } finally {
      const next = waits;
      waits = undefined;
      // stays busy for the one that waits
      if (next === undefined) isBusy = false;
      else next.go();
    }
  };
}
