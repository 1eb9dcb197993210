/** Finds what is wrong in a scene before anything is compiled; messages give the path in its description. */
import { observerNames } from './observers.ts';
import { customRewards } from './reward-terms.ts';
import { edgeName, type Observer, type RewardTerm, type Scene, type SceneComponent } from './scene.ts';
import { fault, finite, flag, list, numberFrom, objectOf, oneOf, onlyKeys, text } from './scene-values.ts';

const keys = {
  scene: ['components', 'edges', 'agents', 'globalOptions', 'frameSkip', 'maxSteps', 'resetNoiseScale'],
  component: ['use', 'params', 'pos', 'yaw', 'frozen', 'collide', 'on', 'observe', 'rewards', 'terminates'],
  edge: ['between', 'collide', 'observe', 'rewards'],
  agent: ['acts', 'rewards', 'observes'],
  reward: ['type', 'offset', 'scale', 'doneBonus'],
  options: ['timestep', 'integrator', 'solver', 'iterations', 'gravity', 'density', 'viscosity'],
} as const;

/** What each kind of reward may have beside `keys.reward`. */
const rewardKeys: { readonly [type in RewardTerm['type']]: readonly string[] } = {
  rootGoal: ['of', 'target', 'dims', 'minDistance', 'maxDistance'],
  rootNear: ['target', 'dims', 'width'],
  rootDistance: ['minDistance', 'maxDistance'],
  approach: ['mover'],
  control: [],
  constant: ['value'],
  speed: ['dims'],
  along: ['direction'],
  custom: ['use', 'params'],
};
const ofComponents = ['rootGoal', 'rootNear', 'control', 'constant', 'speed', 'along', 'custom'] as const;
const ofEdges = ['rootDistance', 'approach', 'constant', 'custom'] as const;
const collisions = ['full', 'root', 'none'];
const integrators = ['Euler', 'RK4', 'implicit', 'implicitfast'];
const solvers = ['PGS', 'CG', 'Newton'];

/** Bits of MuJoCo's contact masks, one a component; bit 0 is the ground's. */
const mostComponents = 30;

/** @throws ConfigError that names the path of the first fault */
export function checkScene(scene: Scene): void {
  onlyKeys(scene, keys.scene, 'scene');
  objectOf(scene.components, 'scene.components');
  checkSettings(scene);
  const names = Object.keys(scene.components ?? {});
  if (names.length === 0) throw fault('scene.components', 'no component');
  if (names.length > mostComponents)
    throw fault('scene.components', 'too many', names.length, `at most ${mostComponents}`);
  for (const name of names) {
    const path = `scene.components.${name}`;
    if (!/^[\w-]+$/.test(name) || name === 'ground') {
      throw fault(path, 'bad name', name, 'letters, digits, - and _; not ground');
    }
    const component = scene.components[name] as Scene['components'][string];
    checkComponent(component, path);
  }
  checkCarriers(scene, names);
  checkEdges(scene, names);
  checkAgents(scene, names);
}

/** What a scene says beside its parts. */
function checkSettings({ globalOptions, frameSkip, maxSteps, resetNoiseScale }: Scene): void {
  const whole = 'a whole number from 1';
  numberFrom(frameSkip, 1, 'scene.frameSkip', whole);
  if (frameSkip !== undefined && !Number.isSafeInteger(frameSkip)) {
    throw fault('scene.frameSkip', 'no such number', frameSkip, whole);
  }
  if (maxSteps !== Number.POSITIVE_INFINITY) numberFrom(maxSteps, 1, 'scene.maxSteps', 'a number from 1, or Infinity');
  numberFrom(resetNoiseScale, 0, 'scene.resetNoiseScale', 'a number from 0');
  if (globalOptions === undefined) return;
  const at = 'scene.globalOptions';
  onlyKeys(globalOptions, keys.options, at);
  const { timestep, iterations, density, viscosity, gravity, integrator, solver } = globalOptions;
  numberFrom(timestep, Number.MIN_VALUE, `${at}.timestep`, 'seconds above 0');
  numberFrom(iterations, 1, `${at}.iterations`, whole);
  numberFrom(density, 0, `${at}.density`, 'kg/m³ from 0');
  numberFrom(viscosity, 0, `${at}.viscosity`, 'Pa·s from 0');
  finite(gravity, 3, `${at}.gravity`);
  if (integrator !== undefined) oneOf(integrator, integrators, `${at}.integrator`);
  if (solver !== undefined) oneOf(solver, solvers, `${at}.solver`);
}

function checkComponent(component: SceneComponent, path: string): void {
  onlyKeys(component, keys.component, path);
  text(component.use, `${path}.use`);
  if (component.params !== undefined) objectOf(component.params, `${path}.params`);
  finite(component.pos, 3, `${path}.pos`);
  if (component.yaw !== undefined) finite([component.yaw], 1, `${path}.yaw`);
  flag(component.frozen, `${path}.frozen`);
  flag(component.collide, `${path}.collide`);
  if (component.on !== undefined) text(component.on, `${path}.on`);
  checkObservers(component.observe, 'component', path);
  checkRewards(component.rewards, path, ofComponents);
  const { terminates } = component;
  if (typeof terminates === 'object') checkBounds(terminates, `${path}.terminates`);
  else flag(terminates, `${path}.terminates`);
}

function checkBounds(bounds: { readonly z: readonly number[]; readonly up?: number }, path: string): void {
  onlyKeys(bounds, ['z', 'up'], path);
  if (bounds.z === undefined) throw fault(`${path}.z`, 'missing', undefined, 'two heights, metres');
  finite(bounds.z, 2, `${path}.z`);
  if (bounds.up !== undefined) finite([bounds.up], 1, `${path}.up`);
}

function checkEdges(scene: Scene, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const [i, edge] of list(scene.edges, 'scene.edges').entries()) {
    const path = `scene.edges[${i}]`;
    onlyKeys(edge, keys.edge, path);
    if (list(edge.between, `${path}.between`).length !== 2) {
      throw fault(`${path}.between`, 'no pair', edge.between, 'the names of two components');
    }
    const [a, b] = edge.between;
    for (const end of [a, b]) if (end !== 'ground') oneOf(end, names, `${path}.between`);
    if (a === b) throw fault(`${path}.between`, 'a component with itself', a);
    if (seen.has(edgeName(a, b))) throw fault(`${path}.between`, 'the pair has an edge already', [a, b]);
    seen.add(edgeName(a, b));
    if (edge.collide !== undefined) oneOf(edge.collide, collisions, `${path}.collide`);
    checkObservers(edge.observe, 'edge', path);
    checkRewards(edge.rewards, path, ofEdges, edge.between);
  }
}

function checkObservers(observers: readonly Observer[] | undefined, of: 'component' | 'edge', path: string): void {
  for (const observer of list(observers, `${path}.observe`)) {
    if (typeof observer === 'object') {
      onlyKeys(observer, ['use', 'params'], `${path}.observe`);
      if (observer.params !== undefined) objectOf(observer.params, `${path}.observe: params`);
    }
    oneOf(typeof observer === 'object' ? observer.use : observer, observerNames(of), `${path}.observe`);
  }
}

/** What is carried is carried by something else in the end. */
function checkCarriers(scene: Scene, names: readonly string[]): void {
  for (const name of names) {
    const path = `scene.components.${name}.on`;
    let at: string | undefined = name;
    for (let depth = 0; at !== undefined; depth++) {
      const on: string | undefined = scene.components[at]?.on?.split('/')[0];
      if (on !== undefined) oneOf(on, names, path);
      if (depth > names.length) throw fault(path, 'components that carry each other', scene.components[name]?.on);
      at = on;
    }
  }
}

function checkRewards(
  rewards: { readonly [name: string]: RewardTerm } | undefined,
  path: string,
  allowed: readonly RewardTerm['type'][],
  between: readonly string[] = [],
): void {
  if (rewards !== undefined) objectOf(rewards, `${path}.rewards`);
  for (const [name, term] of Object.entries(rewards ?? {})) {
    const at = `${path}.rewards.${name}`;
    objectOf(term, at);
    if (!/^[\w-]+$/.test(name)) throw fault(at, 'bad name', name, 'letters, digits, - and _');
    oneOf(term.type, allowed, `${at}.type`);
    onlyKeys(term, [...keys.reward, ...rewardKeys[term.type]], at);
    if ('dims' in term) checkDims(term.dims, `${at}.dims`);
    if (term.type === 'rootGoal' || term.type === 'rootNear') {
      if (term.target === undefined) throw fault(`${at}.target`, 'missing', undefined, 'one to three numbers');
      finite(term.target, term.dims?.length ?? Math.min(3, term.target?.length), `${at}.target`);
    }
    if (term.type === 'rootGoal') oneOf(term.of, ['pos', 'vel'], `${at}.of`);
    if (term.type === 'rootGoal' || term.type === 'rootDistance') {
      numberFrom(term.minDistance, 0, `${at}.minDistance`, 'metres from 0');
      if (term.maxDistance !== Number.POSITIVE_INFINITY) {
        numberFrom(term.maxDistance, 0, `${at}.maxDistance`, 'metres from 0');
      }
    }
    if (term.type === 'rootNear' && term.width !== undefined && !(term.width > 0)) {
      throw fault(`${at}.width`, 'bad width', term.width, 'metres above 0');
    }
    if (term.type === 'along') {
      if (term.direction === undefined) throw fault(`${at}.direction`, 'missing', undefined, '3 finite numbers');
      finite(term.direction, 3, `${at}.direction`);
      if (Math.hypot(...term.direction) === 0) throw fault(`${at}.direction`, 'no direction', term.direction);
    }
    if (term.type === 'approach') oneOf(term.mover, between, `${at}.mover`);
    if (term.type === 'custom') oneOf(term.use, customRewards(), `${at}.use`);
    const { offset, scale, doneBonus, value } = { value: 0, ...term };
    for (const number of [offset, scale, doneBonus, value]) {
      if (number !== undefined && !Number.isFinite(number)) throw fault(at, 'not a finite number', number);
    }
  }
}

function checkDims(dims: readonly number[] | undefined, path: string): void {
  if (dims === undefined) return;
  const axes = list(dims, path);
  if (axes.length > 0 && axes.every((d) => [0, 1, 2].includes(d)) && new Set(axes).size === axes.length) return;
  throw fault(path, 'no such axes', dims, 'some of 0, 1, 2');
}

/** Every motor and every reward belongs to an agent, motors to one only. */
function checkAgents(scene: Scene, names: readonly string[]): void {
  if (scene.agents === undefined) return;
  objectOf(scene.agents, 'scene.agents');
  const rewards = rewardNames(scene);
  const owners = new Map<string, string>();
  const paid = new Set<string>();
  for (const [agent, described] of Object.entries(scene.agents)) {
    const path = `scene.agents.${agent}`;
    onlyKeys(described, keys.agent, path);
    const { acts, rewards: wanted, observes } = described;
    for (const [key, value] of Object.entries({ acts, rewards: wanted })) {
      if (value === undefined) throw fault(`${path}.${key}`, 'missing', undefined, 'a list of names');
      list(value, `${path}.${key}`);
    }
    list(observes, `${path}.observes`);
    for (const name of acts) {
      oneOf(name, names, `${path}.acts`);
      if (owners.has(name)) throw fault(`${path}.acts`, `${name} belongs to ${owners.get(name)} already`);
      owners.set(name, agent);
    }
    for (const name of wanted) {
      const found = rewards.filter((full) => full === name || full.startsWith(`${name}.`));
      if (found.length === 0) oneOf(name, rewards, `${path}.rewards`);
      for (const full of found) paid.add(full);
    }
  }
  const unpaid = rewards.find((name) => !paid.has(name));
  if (unpaid !== undefined) throw fault('scene.agents', 'a reward that goes to no agent', unpaid);
}

/** Full names of all rewards: `agent1.goal`, `agent1~box1.near`. */
export function rewardNames(scene: Scene): string[] {
  const of = (owner: string, rewards: object | undefined): string[] =>
    Object.keys(rewards ?? {}).map((name) => `${owner}.${name}`);
  const components = Object.entries(scene.components).flatMap(([name, { rewards }]) => of(name, rewards));
  const edges = (scene.edges ?? []).flatMap(({ between: [a, b], rewards }) => of(edgeName(a, b), rewards));
  return [...components, ...edges];
}
