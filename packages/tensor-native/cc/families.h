// The kernel families: each is one file cc/kernels/<family>.cc, compiled once per instruction-set level, with a
// function `register_<family>(Registry&)`. Add yours here.
#pragma once
#define GIMBAL_FAMILIES(X) \
  X(binary)                \
  X(cast)                  \
  X(compare)               \
  X(gather)                \
  X(gemm)                  \
  X(layout)                \
  X(peak)                  \
  X(reduce)                \
  X(scan)                  \
  X(softmax)               \
  X(top_k)                 \
  X(unary)
