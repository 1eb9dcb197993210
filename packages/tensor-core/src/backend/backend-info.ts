// What a backend is to the rest of the library: a name, what it offers, and why it was or was not taken.

/** The backends that have a name here; which of them exist depends on the machine. */
export const backendNames = ['node-gpu', 'native', 'node', 'webgpu', 'wasm', 'cpu'] as const;

/** The name of a backend, as `useBackend` takes it. */
export type BackendName = (typeof backendNames)[number];

/** The backend in use. */
export interface BackendInfo {
  /** The one that computes. */
  name: BackendName;
  /** Threads its kernels use. */
  threads: number;
  /** The instruction set its kernels were compiled for, where it chooses between several: `avx512`, `simd128`, … */
  isa?: string;
  /** Whether matrix products can run in bf16 (`withPrecision`). */
  bf16: boolean;
  /** The faster ones that were tried first, and why they were not taken. Empty when the backend was asked for by name. */
  passedOver: PassedOver[];
}

/** A backend that cannot be used here. */
export interface PassedOver {
  /** The one that was tried. */
  name: BackendName;
  /** Why, as a statement: `@gimbal/tensor-native is not installed`. */
  reason: string;
  /** What would change that, as an instruction: `npm install @gimbal/tensor-native`. */
  fix?: string;
}

/** One line of `gimbal doctor`. */
export interface BackendReport {
  /** The one that the line is about. */
  name: BackendName;
  /** Whether it can be used on this machine. */
  works: boolean;
  /** Whether it is the one that computes now. */
  inUse: boolean;
  /** What it offers where it works (`avx512, 2 threads, bf16`), else the reason why it does not. */
  detail: string;
  /** What would make it work, as an instruction. */
  fix?: string;
}

/** What a backend is started with. */
export interface BackendOptions {
  /** Threads for the kernels; default: the cores this process may use, one inside a worker. */
  threads?: number;
  /** Browser: the folder, with a slash at its end, that the three .wasm files are served from. */
  wasmPaths?: string;
}

/** What a candidate offers once it is loaded. */
export interface Offer {
  threads: number;
  isa?: string;
  bf16?: boolean;
  /** The name under which tfjs knows it, where that differs from ours. */
  registeredAs?: string;
  /** Called once it is current. */
  started?: () => void;
}

/** Why a candidate cannot be used. */
export interface Refusal {
  reason: string;
  fix?: string;
  /** The backend to go on with, after a warning, where this one was asked for by its name. */
  instead?: BackendName;
}

/** A backend that may exist on this machine. */
export interface Candidate {
  name: BackendName;
  /** Whether `auto` considers it. */
  automatic: boolean;
  /** Loads its package and registers it with tfjs. Does not make it current. */
  load(options: BackendOptions): Promise<Offer | Refusal>;
  /** What `load` would answer, found out without changing this process; `load` itself where it is absent. */
  look?(options: BackendOptions): Promise<Offer | Refusal>;
}

export const isRefusal = (result: Offer | Refusal): result is Refusal => 'reason' in result;
