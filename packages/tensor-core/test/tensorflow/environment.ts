import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';

setTestEnvs([{ name: 'node', backendName: 'tensorflow', flags: {}, isDataSync: true }]);
