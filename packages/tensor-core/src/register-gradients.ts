// tfjs-core registers no gradient by itself; this module does, in Node too (tsup.config.ts says how), then ours.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import './gap/register.ts';
