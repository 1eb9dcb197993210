// Whether the machine had other work while something was measured: what its processors did, less what this process and
// those that it started did (Linux; elsewhere it is not known).
import { readdirSync, readFileSync } from 'node:fs';

/** Above this share of all processors' time, used by other processes, a row is no verdict. */
export const busyShare = 0.1;

/** Ticks of the processors since the machine began. */
export interface CpuTicks {
  /** of all processors, idle ones too */
  all: number;
  /** in which they worked */
  worked: number;
  /** of them, by this process, its threads and descendants */
  own: number;
}

/** @returns undefined where the system does not say */
export function cpuTicks(pid = process.pid, proc = '/proc'): CpuTicks | undefined {
  try {
    const cpu = readFileSync(`${proc}/stat`, 'utf8').split('\n', 1)[0] as string;
    // user nice system idle iowait irq softirq steal: what a guest is not given is nobody's here
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0] = cpu
      .split(/\s+/)
      .slice(1)
      .map(Number);
    const worked = user + nice + system + irq + soft;
    return { all: worked + idle + wait, worked, own: familyTicks(pid, proc) };
  } catch {
    return undefined; // no such file: not Linux
  }
}

/** Of a process and its descendants, with those of theirs that have ended. */
function familyTicks(root: number, proc: string): number {
  const processes = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`${proc}/${name}/stat`, 'utf8');
      // behind the name in brackets, which may hold anything: state, parent, … utime, stime, cutime, cstime
      const fields = text
        .slice(text.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, n) => sum + n, 0);
      processes.set(Number(name), { parent: fields[1] as number, ticks });
    } catch {
      // it ended in between: its parent has its ticks
    }
  }
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (at === root) return true;
    return false;
  };
  return [...processes].reduce((sum, [pid, { ticks }]) => sum + (isOurs(pid) ? ticks : 0), 0);
}

/** The share of all processors' time that others used between two readings, 0 to 1; null where it is not known. */
export function othersShare(from: CpuTicks | undefined, to: CpuTicks | undefined): number | null {
  if (from === undefined || to === undefined || to.all <= from.all) return null;
  const others = to.worked - from.worked - (to.own - from.own);
  return Math.min(1, Math.max(0, others / (to.all - from.all)));
}
