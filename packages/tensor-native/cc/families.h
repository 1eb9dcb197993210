// The kernel families: each is one file cc/kernels/<family>.cc, compiled once per instruction-set level, with a
// function `register_<family>(Registry&)`. Add yours here.
#pragma once
#define GIMBAL_FAMILIES(X) \
  X(elementwise) \
  X(peak)
