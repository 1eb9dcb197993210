/** Finds what is wrong in a scene before anything is compiled; messages give the path in its description. */
import { ConfigError, nearest } from '@gimbal/tensor-core';
import { observerNames } from './observers.ts';
import { customRewards } from './reward-terms.ts';
import { edgeName, type Observer, type RewardTerm, type Scene } from './scene.ts';

const keys = {
  scene: ['components', 'edges', 'agents', 'globalOptions', 'frameSkip', 'maxSteps', 'resetNoiseScale'],
  component: ['use', 'params', 'pos', 'yaw', 'frozen', 'collide', 'on', 'observe', 'rewards', 'terminates'],
  edge: ['between', 'collide', 'observe', 'rewards'],
  agent: ['acts', 'rewards', 'observes'],
  reward: ['type', 'offset', 'scale', 'doneBonus'],
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

/** Bits of MuJoCo's contact masks, one a component; bit 0 is the ground's. */
const mostComponents = 30;

/** @throws ConfigError that names the path of the first fault */
export function checkScene(scene: Scene): void {
  onlyKeys(scene, keys.scene, 'scene');
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
    onlyKeys(component, keys.component, path);
    finite(component.pos, 3, `${path}.pos`);
    checkObservers(component.observe, 'component', path);
    checkRewards(component.rewards, path, ofComponents);
    if (typeof component.terminates === 'object') finite(component.terminates.z, 2, `${path}.terminates.z`);
  }
  checkCarriers(scene, names);
  const seen = new Set<string>();
  for (const [i, edge] of (scene.edges ?? []).entries()) {
    const path = `scene.edges[${i}]`;
    onlyKeys(edge, keys.edge, path);
    const [a, b] = edge.between;
    for (const end of [a, b]) if (end !== 'ground') oneOf(end, names, `${path}.between`);
    if (a === b) throw fault(`${path}.between`, 'a component with itself', a);
    if (seen.has(edgeName(a, b))) throw fault(`${path}.between`, 'the pair has an edge already', [a, b]);
    seen.add(edgeName(a, b));
    if (edge.collide !== undefined) oneOf(edge.collide, collisions, `${path}.collide`);
    checkObservers(edge.observe, 'edge', path);
    checkRewards(edge.rewards, path, ofEdges, edge.between);
  }
  checkAgents(scene, names);
}

function checkObservers(observers: readonly Observer[] | undefined, of: 'component' | 'edge', path: string): void {
  for (const observer of observers ?? []) {
    if (typeof observer === 'object') onlyKeys(observer, ['use', 'params'], `${path}.observe`);
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
  for (const [name, term] of Object.entries(rewards ?? {})) {
    const at = `${path}.rewards.${name}`;
    if (!/^[\w-]+$/.test(name)) throw fault(at, 'bad name', name, 'letters, digits, - and _');
    oneOf(term.type, allowed, `${at}.type`);
    onlyKeys(term, [...keys.reward, ...rewardKeys[term.type]], at);
    if (term.type === 'rootGoal' || term.type === 'rootNear') {
      const dims = term.dims ?? [0, 1, 2].slice(0, term.target?.length);
      finite(term.target, dims.length, `${at}.target`);
    }
    if (term.type === 'rootNear' && term.width !== undefined && !(term.width > 0)) {
      throw fault(`${at}.width`, 'bad width', term.width, 'metres above 0');
    }
    if (term.type === 'along') {
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

/** Every motor and every reward belongs to an agent, motors to one only. */
function checkAgents(scene: Scene, names: readonly string[]): void {
  if (scene.agents === undefined) return;
  const rewards = rewardNames(scene);
  const owners = new Map<string, string>();
  const paid = new Set<string>();
  for (const [agent, { acts, rewards: wanted, observes: _, ...rest }] of Object.entries(scene.agents)) {
    const path = `scene.agents.${agent}`;
    onlyKeys(rest, [], path);
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

function onlyKeys(value: object, known: readonly string[], path: string): void {
  if (typeof value !== 'object' || value === null) throw fault(path, 'no object', value);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const guess = nearest(unknown, known);
  throw fault(
    path,
    'unknown key',
    unknown,
    known.join(', '),
    guess === undefined ? undefined : `Did you mean ${guess}?`,
  );
}

function oneOf(value: string, known: readonly string[] = [], path: string): void {
  if (known.includes(value)) return;
  const guess = nearest(String(value), known);
  throw fault(
    path,
    'unknown name',
    value,
    known.join(', '),
    guess === undefined ? undefined : `Did you mean ${guess}?`,
  );
}

function finite(numbers: readonly number[] | undefined, length: number, path: string): void {
  if (numbers === undefined) return;
  if (Array.isArray(numbers) && numbers.length === length && numbers.every((x) => Number.isFinite(x))) return;
  throw fault(path, 'bad numbers', numbers, `${length} finite ones`);
}

const fault = (where: string, what: string, got?: unknown, wanted?: string, fix?: string): ConfigError =>
  new ConfigError({ where, what, ...(got !== undefined && { got }), ...(wanted && { wanted }), ...(fix && { fix }) });
