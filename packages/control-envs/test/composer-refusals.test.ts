// Scenes with one wrong value each.
import { antChase, compileScene, editScene, makeScene, type Scene, sceneFromJson, sceneToJson } from '../src/index.ts';
import { parseXml } from '../src/mjcf/parse-xml.ts';

const ant = { use: 'ant' };
const one = (change: object): unknown => ({ components: { a: { ...ant, ...change } } });
const reward = (term: unknown): unknown => one({ rewards: { r: term } });
const two = { a: ant, b: { ...ant, pos: [3, 0, 0] } };

const wrong: [unknown, string][] = [
  [{ components: [ant] }, 'scene.components: no object'],
  [{ components: two, frameSkip: 0 }, 'scene.frameSkip: no such number; got 0, wanted a whole number from 1'],
  [{ components: two, frameSkip: 1.5 }, 'scene.frameSkip: no such number; got 1.5'],
  [{ components: two, maxSteps: Number.NaN }, 'scene.maxSteps: no such number; got NaN'],
  [{ components: two, maxSteps: '5' }, 'scene.maxSteps: no such number; got "5"'],
  [{ components: two, resetNoiseScale: Number.POSITIVE_INFINITY }, 'scene.resetNoiseScale: no such number'],
  [{ components: two, globalOptions: { timestep: -1 } }, 'scene.globalOptions.timestep: no such number; got -1'],
  [{ components: two, globalOptions: { timstep: 1 } }, 'unknown key; got "timstep"'],
  [{ components: two, globalOptions: { integrator: 'RK5' } }, 'Did you mean RK4?'],
  [{ components: two, globalOptions: { gravity: [0, 0] } }, 'scene.globalOptions.gravity: bad numbers'],
  [{ components: { a: { pos: [0, 0, 0] } } }, 'scene.components.a.use: no text'],
  [one({ params: null }), 'scene.components.a.params: no object; got null'],
  [one({ params: { leg: 5 } }), 'scene.components.a.params: unknown key; got "leg", wanted legs. Did you mean legs?'],
  [one({ yaw: Number.NaN }), 'scene.components.a.yaw: bad numbers'],
  [one({ frozen: 'no' }), 'scene.components.a.frozen: neither true nor false; got "no"'],
  [one({ collide: 'none' }), 'scene.components.a.collide: neither true nor false'],
  [one({ on: null }), 'scene.components.a.on: no text'],
  [one({ observe: null }), 'scene.components.a.observe: no list'],
  [one({ observe: [{ use: 'body', params: null }] }), 'scene.components.a.observe: params: no object'],
  [one({ observe: [{ use: 'body', params: { name: 'torso', of: 'toString' } }] }), 'no such quantity; got "toString"'],
  [one({ terminates: { up: 1 } }), 'scene.components.a.terminates.z: missing'],
  [one({ terminates: 'no' }), 'scene.components.a.terminates: neither true nor false'],
  [one({ rewards: null }), 'scene.components.a.rewards: no object'],
  [reward(null), 'scene.components.a.rewards.r: no object; got null'],
  [reward({ type: 'speed', dims: [7] }), 'scene.components.a.rewards.r.dims: no such axes; got [7]'],
  [reward({ type: 'rootGoal', of: 'pos' }), 'scene.components.a.rewards.r.target: missing'],
  [reward({ type: 'rootGoal', of: 'x', target: [0, 0] }), 'scene.components.a.rewards.r.of: unknown name; got "x"'],
  [reward({ type: 'rootGoal', of: 'pos', target: [0], minDistance: 'x' }), 'r.minDistance: no such number'],
  [reward({ type: 'along' }), 'scene.components.a.rewards.r.direction: missing'],
  [{ components: two, edges: {} }, 'scene.edges: no list'],
  [{ components: two, edges: [{}] }, 'scene.edges[0].between: no pair'],
  [{ components: two, edges: [{ between: ['a', 'b', 'c'] }] }, 'scene.edges[0].between: no pair'],
  [{ components: two, agents: null }, 'scene.agents: no object'],
  [{ components: two, agents: { x: null } }, 'scene.agents.x: no object'],
  [{ components: two, agents: { x: {} } }, 'scene.agents.x.acts: missing'],
  [{ components: two, agents: { x: { acts: 'a', rewards: [] } } }, 'scene.agents.x.acts: no list; got "a"'],
  [{ components: { o: { use: 'sphere', params: { density: -1 } } } }, 'sphere: bad density; got -1'],
  [{ components: { o: { use: 'box', params: { halfSize: 5 } } } }, 'box: halfSize: bad numbers; got 5'],
];

test.each(wrong)('%j', (scene, message) => {
  expect(() => compileScene(scene as Scene)).not.toThrow(TypeError);
  // some are known to the engine only: bodies and joints by name
  const made = makeScene(scene as Scene).finally(() => undefined);
  return expect(made).rejects.toThrow(message);
});

test('a scene that JSON would change is not written; edits reach nothing but the scene', () => {
  expect(() => sceneToJson({ ...antChase(), maxSteps: Number.POSITIVE_INFINITY })).toThrow('JSON cannot hold maxSteps');
  expect(sceneFromJson(sceneToJson({ ...antChase(), maxSteps: 1e9 })).maxSteps).toBe(1e9);
  expect(() => editScene(antChase(), { '__proto__.polluted': 1 })).toThrow('nothing there; got "__proto__"');
  expect('polluted' in {}).toBe(false);
});

test('a text that is nested too deeply is refused, before it overflows the stack', () => {
  const deep = `<mujoco><worldbody>${'<body name="b">'.repeat(600)}${'</body>'.repeat(600)}</worldbody></mujoco>`;
  expect(() => compileScene({ components: { a: { use: 'mjcf', params: { mjcf: deep } } } })).toThrow(
    'elements are nested too deeply',
  );
});

test('numbered entities are characters; a long text takes a time of its length', () => {
  expect(parseXml('<a b="&#x41;&#66;&lt;"/>').attributes.b).toBe('AB<');
  parseXml(`<a>${'<b/>\n'.repeat(100_000)}</a>`);
  // quadratic, it took minutes: the time limit of a test would end it
});
