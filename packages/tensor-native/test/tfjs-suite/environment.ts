// What tfjs-core's suite needs before its first spec is read: gradients, chained ops, the backends and their names.
// It is bundled with the specs (bundle.mjs), so that all of them share one engine.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-backend-cpu';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { setLeanTape } from '../../src/index.ts';

setLeanTape(process.env.GIMBAL_TAPE === 'lean');

const name = process.env.GIMBAL_SUITE_BACKEND ?? 'native';
setTestEnvs([{ name, backendName: name, flags: {}, isDataSync: true }]);
