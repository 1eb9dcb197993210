// tfjs-core registers no gradient by itself; this module does, in Node too (tsup.config.ts says how).
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
