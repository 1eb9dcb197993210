// The choice of a backend from a list of candidates, fastest first; the same in Node and in the page.
import { getBackend, setBackend } from '@tensorflow/tfjs-core';
import { BackendError, ConfigError, nearest } from '../errors.ts';
import { repairBackend } from '../gap/repair.ts';
import { requireOptions } from '../options/checks.ts';
import {
  type BackendInfo,
  type BackendName,
  type BackendOptions,
  type BackendReport,
  backendNames,
  type Candidate,
  isRefusal,
  type Offer,
  type PassedOver,
  type Refusal,
} from './backend-info.ts';

/**
 * Makes a backend current.
 * @param candidates fastest first
 * @param name `auto` takes the first that works; a name takes that one or throws
 * @throws BackendError for an unknown name, or where the named backend (for `auto`: every one) cannot be used
 */
export async function choose(
  candidates: readonly Candidate[],
  name: 'auto' | BackendName,
  options: BackendOptions,
): Promise<BackendInfo> {
  checkName(name);
  requireOptions('useBackend', options);
  checkThreads(options.threads);
  const passedOver: PassedOver[] = [];
  for (const candidate of candidates) {
    if (name === 'auto' ? !candidate.automatic : candidate.name !== name) continue;
    const result = await start(candidate, options);
    if (!isRefusal(result)) return { name: candidate.name, ...describe(result), passedOver };
    if (name === 'auto') passedOver.push({ name: candidate.name, ...described(result) });
    else if (result.instead === undefined) throw unusable(name, result);
    else return insteadOf(name, result, result.instead, candidates, options);
  }
  if (name !== 'auto') throw unusable(name, { reason: 'it does not exist on this platform', fix: "use 'auto'" });
  throw new BackendError({
    where: 'useBackend',
    what: `no backend works here (${passedOver.map((p) => `${p.name}: ${p.reason}`).join('; ')})`,
  });
}

const warned = new Set<string>();

/** Goes on with another backend than the one that was asked for, and says so once. */
async function insteadOf(
  name: BackendName,
  refusal: Refusal,
  other: BackendName,
  candidates: readonly Candidate[],
  options: BackendOptions,
): Promise<BackendInfo> {
  if (!warned.has(name)) console.warn(`useBackend('${name}'): ${refusal.reason}; going on with ${other}`);
  warned.add(name);
  const info = await choose(candidates, other, options);
  return { ...info, passedOver: [{ name, ...described(refusal) }] };
}

const described = ({ reason, fix }: Refusal): Omit<PassedOver, 'name'> => ({
  reason,
  ...(fix !== undefined && { fix }),
});

/** What each backend offers, or why it does not work; leaves the current one as it is. */
export async function report(candidates: readonly Candidate[], options: BackendOptions): Promise<BackendReport[]> {
  requireOptions('backendReport', options);
  const current = getBackend();
  const lines: BackendReport[] = [];
  for (const candidate of candidates) {
    const result = await (candidate.look ?? candidate.load)(options);
    const { name } = candidate;
    if (isRefusal(result)) {
      lines.push({ name, works: false, inUse: false, detail: result.reason, ...(result.fix && { fix: result.fix }) });
    } else {
      const { threads, isa, bf16 } = result;
      const isCurrent = current === (result.registeredAs ?? name);
      // one library can answer to two names: the first, faster one is in use
      const first = isCurrent ? lines.find((line) => line.inUse) : undefined;
      const detail = [
        isa,
        `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
        bf16 ? 'bf16' : undefined,
        first && `the library of ${first.name}`,
      ];
      lines.push({
        name,
        works: true,
        inUse: isCurrent && first === undefined,
        detail: detail.filter((part) => part !== undefined).join(', '),
      });
    }
  }
  return lines;
}

async function start(candidate: Candidate, options: BackendOptions): Promise<Offer | Refusal> {
  const offer = await candidate.load(options);
  if (isRefusal(offer)) return offer;
  const registered = offer.registeredAs ?? candidate.name;
  if (!(await setBackend(registered))) return { reason: 'its initialisation failed (the console says why)' };
  offer.started?.();
  repairBackend(registered);
  return offer;
}

function describe({ threads, isa, bf16 }: Offer): Pick<BackendInfo, 'threads' | 'isa' | 'bf16'> {
  return { threads, ...(isa !== undefined && { isa }), bf16: bf16 ?? false };
}

function checkName(name: string): void {
  const known = ['auto', ...backendNames];
  if (known.includes(name)) return;
  const meant = nearest(String(name), known);
  throw new BackendError({
    where: 'useBackend',
    what: 'unknown backend',
    got: name,
    wanted: `one of ${known.join(', ')}`,
    ...(meant !== undefined && { fix: `did you mean '${meant}'?` }),
  });
}

function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= 1024)) return;
  throw new ConfigError({
    where: 'useBackend threads',
    what: 'bad number of threads',
    got: threads,
    wanted: 'a whole number from 1 to 1024',
  });
}

const unusable = (name: BackendName, { reason, fix }: Refusal): BackendError =>
  new BackendError({ where: `useBackend('${name}')`, what: reason, ...(fix !== undefined && { fix }) });
