/** MuJoCo's official WASM build, loaded once for each realm (main thread, each worker, the page). */
import { BackendError } from '@gimbal/tensor-core';
import type { MainModule } from '@mujoco/mujoco';

/** The version every number here belongs to; another one gives other trajectories. */
export const mujocoVersion = '3.14.0';

/** Where a page finds the engine. */
export interface LoadOptions {
  /** where mujoco.wasm lies, for pages whose bundler moves it; default: beside its script */
  wasmUrl?: string;
}

/** The loaded engine and what it printed last: its own words about a failure. */
export interface Engine {
  readonly mj: MainModule;
  /** takes the lines printed to stderr since the last call */
  takeMessages(): string[];
}

let loading: Promise<Engine> | undefined;

/**
 * Loads the engine, once for each realm; every later call gets the same one.
 * @throws BackendError if the package is missing or of another version
 */
export function loadMujoco(options: LoadOptions = {}): Promise<Engine> {
  loading ??= load(options).catch((error) => {
    loading = undefined; // a failed download may be tried again
    throw error;
  });
  return loading;
}

/**
 * Makes the next call load a new engine: an exception that is not MuJoCo's own leaves this one with half of its work, and
 * every later message would be about that. What runs on it goes on.
 */
export async function retireEngine(engine: Engine): Promise<void> {
  const current = loading;
  if ((await current) === engine && loading === current) loading = undefined;
}

async function load({ wasmUrl }: LoadOptions): Promise<Engine> {
  const messages: string[] = [];
  const module = {
    print: (line: string) => messages.push(line),
    printErr: (line: string) => messages.push(line),
    ...(wasmUrl !== undefined && { locateFile: () => wasmUrl }),
  };
  let mj: MainModule;
  try {
    const { default: create } = await import('@mujoco/mujoco');
    mj = await create(module);
  } catch (cause) {
    const fix = `Install @mujoco/mujoco ${mujocoVersion}; in a page, serve mujoco.wasm and pass its wasmUrl`;
    throw new BackendError({ where: 'loadMujoco', what: 'the physics engine does not load', fix, cause });
  }
  const version = mj.mj_versionString();
  if (version !== mujocoVersion) {
    const wanted = mujocoVersion;
    throw new BackendError({ where: 'loadMujoco', what: 'another version of MuJoCo', got: version, wanted });
  }
  return { mj, takeMessages: () => messages.splice(0) };
}
