/** The plain JavaScript backend, without its banner: for tests whose subject is not arithmetic. */
import '@tensorflow/tfjs-backend-cpu';
import { enableProdMode, setBackend } from '@tensorflow/tfjs-core';

enableProdMode();
beforeAll(() => setBackend('cpu'));
