// gimbal doctor: what runs here, what does not and why, and what would make it faster.
import { availableParallelism } from 'node:os';
import { type BackendReport, ConfigError, tensorflowInstalls } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { bytes, textTable } from '../cli/format.ts';
import { deviceOf } from '../install/device.ts';
import { refuseAlone, removal, runInstall } from '../install/run.ts';
import { thisSystem } from '../install/system.ts';
import { startCompute } from '../run/compute.ts';
import { availableMemory, machine, versions } from '../run/machine.ts';
import { nativePackage } from '../run/native.ts';

const options = z.object({
  install: z.string().optional().describe('put TensorFlow in place, for the backend `node` or `node-gpu` (NVIDIA)'),
  tensorflow: z.string().optional().describe('with --install: link a library you have, by its site-packages'),
  dryRun: z.boolean().default(false).describe('with --install: check, and say what it would download'),
  yes: z.boolean().default(false).describe('with --install: do not ask'),
});

export const command = defineCommand({
  summary: 'Show versions, backends, threads and memory, and what could be faster here.',
  options,
  examples: [
    'gimbal doctor',
    'gimbal doctor --json',
    'gimbal doctor --install node-gpu              TensorFlow with CUDA 12, for an NVIDIA GPU',
    'gimbal doctor --install node --dry-run        what TensorFlow on the CPU would take',
  ],
  async run({ options: o, output, signal, root }) {
    if (o.out !== undefined) throw noFile(o.out);
    if (o.install !== undefined) {
      const json = await runInstall({ ...o, install: o.install }, { output, signal, root, system: thisSystem });
      return { json };
    }
    refuseAlone(o);
    const { backendReport } = await import('@gimbal/tensor-core');
    const threads = o.threads === undefined ? {} : { threads: o.threads };
    const chosen = await startCompute({ ...o, trace: false });
    const { trace: _, ...inUse } = chosen;
    const backends = await backendReport(threads);
    const here = machine();
    const memory = { totalBytes: here.memoryBytes, availableBytes: availableMemory() };
    const native = (await nativePackage())?.nativeInfo();
    const advice = adviceFor(chosen, backends);
    const nodeGpu = backends.find((b) => b.name === 'node-gpu');
    const installs = await Promise.all(
      tensorflowInstalls().map(async (one) => ({
        ...one,
        device: await deviceOf(one, nodeGpu, thisSystem),
        remove: removal(one.folder),
      })),
    );
    if (!output.json) {
      const c = output.colors;
      output.line(c.bold('Machine'));
      output.line(`  ${here.cpu}, ${here.cores} cores, this process may use ${availableParallelism()}`);
      output.line(`  ${bytes(memory.totalBytes)} of memory, ${bytes(memory.availableBytes)} available`);
      output.line(`  ${here.platform}`);
      output.line();
      output.line(c.bold('Versions'));
      for (const [name, version] of Object.entries(versions())) output.line(`  ${name} ${version}`);
      output.line();
      output.line(c.bold('Backends'));
      const rows = backends.map((b) => [b.name, b.inUse ? 'in use' : b.works ? 'works' : 'no', b.detail, b.fix ?? '']);
      for (const line of textTable(['name', '', 'what it offers, or why not', 'what to do'], rows))
        output.line(`  ${line}`);
      output.line();
      if (installs.length > 0) {
        output.line(c.bold('TensorFlow'));
        for (const one of installs) {
          const library = one.linkedFrom === undefined ? bytes(one.bytes) : `linked from ${one.linkedFrom}`;
          output.line(`  ${one.version} (${one.build}), ${library}, in ${one.folder}`);
          output.line(`  computes on ${one.device}`);
          output.line(`  to remove it: ${one.remove}`);
        }
        output.line();
      }
      output.line(c.bold('What could be faster'));
      for (const line of advice) output.line(`  ${line}`);
    }
    return {
      json: {
        machine: here,
        memory,
        versions: versions(),
        backend: inUse,
        backends,
        native: native ?? null,
        installs,
        advice,
      },
    };
  },
});

interface Chosen {
  name: string;
  threads: number;
  bf16: boolean;
  passedOver: readonly { name: string; reason: string; fix?: string }[];
}

/** Sentences, most effective first; one that says so where nothing is left to do. */
function adviceFor(chosen: Chosen, backends: readonly BackendReport[]): string[] {
  const advice: string[] = [];
  const [nodeGpu, native] = ['node-gpu', 'native'].map((name) => backends.find((b) => b.name === name));
  const broken = ({ name, detail, fix }: BackendReport): string =>
    `The ${name} backend does not work: ${detail}.${fix === undefined ? '' : ` What to do: ${fix}.`}`;
  // a machine without the driver is not told of a card that it may not have
  if (nodeGpu && !nodeGpu.works && nodeGpu.fix?.startsWith('gimbal doctor --install')) advice.push(broken(nodeGpu));
  if (native && !native.works) {
    advice.push(broken(native));
  } else if (native && chosen.name !== 'native' && chosen.name !== 'node-gpu') {
    advice.push(`${chosen.name} was asked for; --backend native is faster.`);
  }
  if (chosen.threads < availableParallelism() && chosen.name === 'native') {
    advice.push(`${chosen.threads} of ${availableParallelism()} usable cores are in use; see --threads.`);
  }
  if (chosen.bf16)
    advice.push('This processor multiplies in bf16: --precision bf16 speeds up training and generation.');
  return advice.length > 0 ? advice : ['Nothing: the fastest backend that this machine has is in use.'];
}

const noFile = (out: string): ConfigError =>
  new ConfigError({
    where: 'gimbal doctor --out',
    what: 'doctor writes no file',
    got: out,
    fix: 'Send its output there: gimbal doctor --json > file',
  });
