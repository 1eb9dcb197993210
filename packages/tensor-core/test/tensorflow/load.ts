// The backend `node` with the repairs of the gap layer, in a bundle that has tfjs-core's own modules: gradients and
// chained ops are registered, and all of it shares one engine.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import { node } from '../../src/backend/tensorflow/candidates.node.ts';
import { repairBackend } from '../../src/gap/repair.ts';

const offer = await node.load({});
if ('reason' in offer) throw new Error(`node: ${offer.reason}; ${offer.fix}`);
repairBackend('tensorflow');
