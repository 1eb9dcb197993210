// Registers the gradients that tfjs lacks or gets wrong, for every backend. Imported once, after tfjs's own.
import { registerSoftmaxGradient } from '../ops/softmax-gradient.ts';
import { registerArithmeticGradients } from './arithmetic-gradients.ts';
import { registerBroadcastGradients } from './broadcast-gradients.ts';
import { registerEinsumGradient } from './einsum.ts';
import { registerImageGradients } from './image-gradients.ts';
import { registerIndexingGradients } from './indexing-gradients.ts';
import { registerReductionGradients } from './reduction-gradients.ts';
import { registerZeroGradients } from './zero-gradients.ts';

registerZeroGradients();
registerArithmeticGradients();
registerReductionGradients();
registerIndexingGradients();
registerEinsumGradient();
registerBroadcastGradients();
registerImageGradients();
registerSoftmaxGradient();
