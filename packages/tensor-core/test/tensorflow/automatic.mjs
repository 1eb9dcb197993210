// Asks for backends one after the other, as its arguments name them, with the built package; prints what came as JSON.
import { backendReport, useBackend } from '@gimbal/tensor-core';
import { add, matMul, round, tensor1d, tensor2d } from '@tensorflow/tfjs-core';

const warnings = [];
console.warn = (text) => warnings.push(text);
const chosen = [];
for (const name of process.argv.slice(2)) chosen.push(await useBackend(name));
const a = tensor2d([1, 2, 3, 4], [2, 2]);
const product = Array.from(await add(matMul(a, a), 1).data());
const rounded = Array.from(await round(tensor1d([1, -2, 3], 'int32')).data());
process.stdout.write(`${JSON.stringify({ chosen, warnings, product, rounded, report: await backendReport() })}\n`);
