/** A process that trains the regression until it is killed. Argument: the run's folder. */
import '@tensorflow/tfjs-backend-cpu';
import { enableProdMode } from '@tensorflow/tfjs-core';
import '../../src/register-gradients.ts';
import { LoopTrainer } from '../../src/training/loop-trainer.ts';
import '../../src/training/run-storage.node.ts';
import { regression } from './regression.ts';

enableProdMode();
const out = process.argv[2] as string;
const setup = regression({ out, checkpointEvery: 3 });
const trainer = await LoopTrainer.resume(out, setup).catch(() => new LoopTrainer(setup));
for await (const { step } of trainer.train({ steps: 100000 })) process.stdout.write(`${step}\n`);
