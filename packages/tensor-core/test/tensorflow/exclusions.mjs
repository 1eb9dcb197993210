// Specs of tfjs-core's suite that do not run on `node`, each with its reason. An entry excludes every spec whose full name
// contains `name`; some only on a GPU. tfjs-node's own list has about 350 specs; our repairs (src/gap/tensorflow-kernels.ts) leave these.

/** @type {{ name: string, reason: string }[]} */
export const exclusions = [
  {
    name: 'avgPool3d node {} x=[1,1,1,1,1] f=[1,1,3] s=1 p=valid',
    reason: 'TensorFlow refuses a window larger than its input; tfjs answers with an empty tensor',
  },
  {
    name: 'conv2dTranspose node {} input=8x8x8,output=4x4x8,f=8,s=1,inDepth=8,p=same vec4',
    reason: 'the shapes do not belong together (8×8 from 4×4 at stride 1), which TensorFlow notices and tfjs does not',
  },
  { name: 'einsum node {} 2d matrix calculate trace', reason: 'wants an error where TensorFlow gives the trace' },
  {
    name: 'einsum node {} nonexistent dimension',
    reason: 'TensorFlow sums over a label of no output without complaint',
  },
  { name: 'tan node {} numbers exceed float32 precision', reason: 'the last bit of tan near its pole' },
  { name: 'unique node {} 1d tensor with NaN', reason: 'every NaN is another value to TensorFlow' },
  ...(process.env.GIMBAL_TEST_BACKEND === 'node-gpu'
    ? [{ name: 'exp node {} int32', reason: "half of the last bit of exp(10), by the GPU's own exponential" }]
    : []),
];
