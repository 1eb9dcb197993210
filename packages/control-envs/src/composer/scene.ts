/**
 * Environments composed in code: components, what passes between pairs of them (edges), and agents. A scene is plain
 * data: it can be written to JSON and read back, and it compiles to one MJCF model.
 *
 * After Braxlines' Composer (Gu et al., arXiv 2110.04686); scenes start with noise, and a pair may be named in either
 * order.
 */
import type { PhysicsOptions } from './component.ts';

/** A component in a scene. */
export interface SceneComponent {
  /** a registered kind: `ant`, `half-cheetah`, `hopper`, `humanoid`, `octopus`, `walker2d`, `sphere`, `box`, `capsule`, `mjcf` */
  use: string;
  /** of that kind: `{ legs: 5 }`, `{ radius: 0.5 }`, `{ mjcf: '<mujoco>…' }` */
  params?: { readonly [name: string]: unknown };
  /** where it stands, added to its own place; default [0, 0, 0] */
  pos?: readonly [number, number, number];
  /** turn about the vertical, radians; default 0 */
  yaw?: number;
  /** true: its free or planar joints are left out, it is part of the world */
  frozen?: boolean;
  /** false: it touches nothing */
  collide?: boolean;
  /**
   * the body of another component that carries it, `component` (its root) or `component/body`: its own root joints are
   * left out, `pos` and `yaw` are in that body's frame, and the two do not touch unless an edge says so
   */
  on?: string;
  /** what is observed of it, in this order; default: `state` for what has motors, else `root` */
  observe?: readonly Observer[];
  /** its terms by name, in full `component.name`; default none */
  rewards?: { readonly [name: string]: RewardTerm };
  /**
   * whether an unhealthy pose ends the episode; default true where the kind has one. Bounds of one's own: height of
   * the root in metres, and the least z of its up axis
   */
  terminates?: boolean | { readonly z: readonly [low: number, high: number]; readonly up?: number };
}

/** A pair of components; the ground is called `ground`. */
export interface SceneEdge {
  /** names of two different components in either order, or of one and `ground`; a pair has one edge at most */
  between: readonly [string, string];
  /** what touches: everything that the two let collide, their roots only, or nothing; default 'full' */
  collide?: 'full' | 'root' | 'none';
  /**
   * `rootVector`, `rootVelocity`: position or velocity of the first root, by name, minus the second's; default none
   */
  observe?: readonly Observer[];
  /** terms by name, in full `a~b.name` with a and b sorted: `rootDistance`, `approach`, `constant`, `custom` */
  rewards?: { readonly [name: string]: RewardTerm };
}

/**
 * A kind of observer by name, with its parameters where it has some.
 * - `state`: positions (without the root's x and y) and velocities; `root`: root position, orientation and velocity
 * - `contacts`: contact forces on each body, clipped to ±1
 * - `{ use: 'body', params: { name: 'torso', of: 'pos' | 'quat' | 'vel' | 'ang' } }`, `{ use: 'joint', params: { name:
 *   'hip_1', of: 'pos' | 'vel' } }`
 * - whatever `registerObserver` added
 */
export type Observer =
  | 'state'
  | 'root'
  | 'contacts'
  | 'rootVector'
  | 'rootVelocity'
  | (string & {})
  | { readonly use: string; readonly params?: { readonly [name: string]: unknown } };

/**
 * Terms of a reward; each gives `(raw + offset) · scale`. Of a component:
 * - `rootGoal`: −‖x − target‖ of the root's position or velocity; ends the episode outside `minDistance` … `maxDistance`
 * - `rootNear`: exp(−‖position − target‖ / width); `speed`: ‖velocity‖; `along`: velocity along a direction
 * - `control`: −‖action‖ of its motors; `constant`
 *
 * Of an edge: `rootDistance`: −‖between the roots‖, with the same ends; `approach`: how fast the `mover`, one of the
 * two, nears the other. `custom`: what `registerReward` added.
 */
export type RewardTerm = RewardBase &
  (
    | ({ type: 'rootGoal'; of: 'pos' | 'vel'; target: readonly number[]; dims?: readonly number[] } & Bounds)
    | { type: 'rootNear'; target: readonly number[]; dims?: readonly number[]; width?: number }
    | ({ type: 'rootDistance' } & Bounds)
    | { type: 'approach'; mover: string }
    | { type: 'control' }
    | { type: 'constant'; value?: number }
    | { type: 'speed'; dims?: readonly number[] }
    | { type: 'along'; direction: readonly [number, number, number] }
    | { type: 'custom'; use: string; params?: { readonly [name: string]: unknown } }
  );

interface Bounds {
  /** nearer ends the episode; default 0 */
  minDistance?: number;
  /** farther ends the episode; default no bound */
  maxDistance?: number;
}

interface RewardBase {
  offset?: number;
  scale?: number;
  /** added once when this term ends the episode */
  doneBonus?: number;
}

/** Who acts with which components and is paid by which rewards (`component.name`, or all of a component or edge). */
export interface SceneAgent {
  /** components whose motors it has; no two agents share one */
  acts: readonly string[];
  /** full names of rewards, or names of components and edges for all of theirs; agents may share them */
  rewards: readonly string[];
  /** components and edges whose observers it sees, in this order; default all, in the scene's order */
  observes?: readonly string[];
}

/** The description of an environment, as plain data. */
export interface Scene {
  /** 1 to 30 by name, of letters, digits, - and _; not `ground` */
  components: { readonly [name: string]: SceneComponent };
  /** pairs that observe, touch or are paid in their own way; default none: all components touch each other */
  edges?: readonly SceneEdge[];
  /** default: one agent that has all motors and all rewards */
  agents?: { readonly [name: string]: SceneAgent };
  /** needed where components were designed for different settings */
  globalOptions?: PhysicsOptions;
  /** physics steps for each step; default 5 */
  frameSkip?: number;
  /** steps after which an episode is truncated; default 1000 */
  maxSteps?: number;
  /** noise of the first state: positions ± this, velocities normal with it; default 0.1 */
  resetNoiseScale?: number;
}

/** Keeps the types of a scene while it is written. */
export const defineScene = <const S extends Scene>(scene: S): S => scene;

/** The canonical name of an unordered pair. */
export const edgeName = (a: string, b: string): string => [a, b].sort().join('~');
