// What tfjs-core's suite needs before its first spec is read: gradients, chained ops, the backend and its name. It is
// bundled with the specs, so that all of them share one engine.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { node } from '../../src/backend/tensorflow/candidates.node.ts';
import { repairBackend } from '../../src/gap/repair.ts';

const offer = await node.load({});
if ('reason' in offer) throw new Error(`node: ${offer.reason}; ${offer.fix}`);
repairBackend('tensorflow');
setTestEnvs([{ name: 'node', backendName: 'tensorflow', flags: {}, isDataSync: true }]);
