// The kernel families: each is one file cc/kernels/<family>.cc, compiled once per instruction-set level, with a
// function `register_<family>(Registry&)`. Add yours here.
#pragma once
#define GIMBAL_FAMILIES(X) \
  X(binary)       \
  X(cast)         \
  X(compare)      \
  X(conv)         \
  X(depthwise)    \
  X(gather)       \
  X(gemm)         \
  X(layout)       \
  X(multinomial)  \
  X(norm)         \
  X(peak)         \
  X(philox)       \
  X(pool)         \
  X(reduce)       \
  X(resize)       \
  X(scan)         \
  X(softmax)      \
  X(top_k)        \
  X(unary)
