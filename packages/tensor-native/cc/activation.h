// Activations by number: what products may apply to their result, and the derivative that the backward product
// multiplies by. The numbers are those of src/activation.ts.
#pragma once
#include "simd.h"
#include "simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

enum class Activation : int {
  linear = 0,
  relu = 1,
  relu6 = 2,
  leaky = 3,     // x > 0 ? x : slope x
  elu = 4,
  sigmoid = 5,
  tanh = 6,
  gelu = 7,      // tanh form
  gelu_erf = 8,  // exact form
  silu = 9,
  softplus = 10,
  prelu = 11,    // leaky with a slope per column; the caller supplies it
};

/// act(x).
GIMBAL_INLINE Vec activate(Activation activation, Vec x, float slope = 0) {
  const Vec zero = splat(0.0f);
  switch (activation) {
    case Activation::relu: return vrelu(x);
    case Activation::relu6: return x > splat(6.0f) ? splat(6.0f) : vrelu(x);
    case Activation::leaky: return x < zero ? x * splat(slope) : x;
    case Activation::elu: return velu(x);
    case Activation::sigmoid: return vsigmoid(x);
    case Activation::tanh: return vtanh(x);
    case Activation::gelu: return vgelu(x);
    case Activation::gelu_erf: return vgelu_erf(x);
    case Activation::silu: return vsilu(x);
    case Activation::softplus: return vsoftplus(x);
    default: return x;
  }
}

/// act'(z), from what forward saved: z itself for gelu, gelu_erf and silu, else y = act(z).
GIMBAL_INLINE Vec activation_gradient(Activation activation, Vec saved, float slope = 0) {
  const Vec zero = splat(0.0f), one = splat(1.0f);
  switch (activation) {
    case Activation::relu: return saved > zero ? one : zero;
    case Activation::relu6: return ((saved > zero) & (saved < splat(6.0f))) ? one : zero;
    case Activation::leaky: return saved > zero ? one : splat(slope);
    case Activation::elu: return saved > zero ? one : saved + one;  // e^z = y + 1
    case Activation::sigmoid: return saved * (one - saved);
    case Activation::tanh: return one - saved * saved;
    case Activation::gelu: return vgelu_grad(saved);
    case Activation::gelu_erf: return vgelu_erf_grad(saved);
    case Activation::silu: return vsilu_grad(saved);
    case Activation::softplus: return -vexpm1(-saved);  // sigmoid(z) = 1 - e^-y
    default: return one;
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
