// Preloaded by a test (NODE_OPTIONS=--require): the machine has NVIDIA's driver, and TensorFlow's library says of itself
// that it computes on a GPU where GIMBAL_SIMULATED_GPU is `answers`, that it does not where that is `none`, and what is so
// where it is `driver`. It goes on to compute on the CPU. A binding in a package tfjs-node(-gpu) is what that package has: it
// lacks our functions, and finds no GPU, as it wants a CUDA of 2020.
const fs = require('node:fs');
const Module = require('node:module');

const load = Module._extensions['.node'];
Module._extensions['.node'] = (module, file) => {
  load(module, file);
  if (!file.endsWith('tfjs_binding.node') || process.env.GIMBAL_SIMULATED_GPU === 'driver') return;
  const isPackage = /node_modules.@tensorflow.tfjs-node/.test(file);
  const answers = process.env.GIMBAL_SIMULATED_GPU === 'answers' && !isPackage;
  const ours = Object.fromEntries(['runOp', 'readAsync', 'upload'].map((name) => [name, { value: undefined }]));
  module.exports = Object.create(module.exports, {
    isUsingGpuDevice: { value: () => answers },
    ...(isPackage && ours),
  });
};

const { existsSync } = fs;
fs.existsSync = (path) => path === '/dev/nvidiactl' || existsSync(path);
Module.syncBuiltinESMExports();
