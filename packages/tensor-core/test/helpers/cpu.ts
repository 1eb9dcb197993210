/** The plain JavaScript backend, without its banner: for tests whose subject is not arithmetic. */
import '@tensorflow/tfjs-backend-cpu';
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';
import '../../src/register-gradients.ts';

enableProdMode();
beforeAll(() => setBackend('cpu'));
