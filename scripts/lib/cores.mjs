// Jobs that share the cores of a machine: those of one core run two at once on two.

/**
 * Runs jobs in their order. Each starts once the cores it needs are free and all before it have started, so one that
 * needs every core also waits for what it may build upon, and what comes after waits for it.
 *
 * @template {{ cores: number }} Job
 * @param {readonly Job[]} jobs `cores`: how many it keeps busy; more than there are counts as all
 * @param {number} cores how many there are
 * @param {(job: Job) => Promise<boolean>} work false ends the whole: what has started runs on, nothing more starts
 * @returns {Promise<Job[]>} the jobs that were not started. @throws what `work` throws, once all that started has ended
 */
export async function onCores(jobs, cores, work) {
  const waiting = [...jobs];
  const running = new Set();
  const needs = (job) => Math.min(job.cores, cores);
  let free = cores;
  let goesOn = true;
  let fault;
  while (running.size > 0 || (goesOn && waiting.length > 0)) {
    const next = waiting[0];
    if (goesOn && next !== undefined && needs(next) <= free) {
      waiting.shift();
      free -= needs(next);
      const ended = work(next)
        .then(
          (ok) => {
            goesOn &&= ok;
          },
          (error) => {
            goesOn = false;
            fault ??= { error };
          },
        )
        .finally(() => {
          free += needs(next);
          running.delete(ended);
        });
      running.add(ended);
    } else await Promise.race(running);
  }
  if (fault) throw fault.error;
  return waiting;
}
