// Products as commands: the arguments of `gemm` and `gemm_batched`, in float32 and in bf16 alike.
#pragma once
#include "../../gemm.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Arguments 0…12 of a product: m, n, k, a, lda, transpose_a, b, ldb, transpose_b, c, ldc, alpha, accumulate.
static inline GemmArgs read_product(const double* a) {
  GemmArgs g;
  g.m = static_cast<int64_t>(a[0]);
  g.n = static_cast<int64_t>(a[1]);
  g.k = static_cast<int64_t>(a[2]);
  g.a = ptr<const float>(a[3]);
  g.lda = static_cast<int64_t>(a[4]);
  g.transpose_a = a[5] != 0;
  g.b = ptr<const float>(a[6]);
  g.ldb = static_cast<int64_t>(a[7]);
  g.transpose_b = a[8] != 0;
  g.c = ptr<float>(a[9]);
  g.ldc = static_cast<int64_t>(a[10]);
  g.alpha = static_cast<float>(a[11]);
  g.accumulate = a[12] != 0;
  return g;
}

/// Arguments from `a` on: bias, activation, slope, slopes, pre, saved, residual.
static inline Epilogue read_epilogue(const double* a) {
  Epilogue e;
  e.bias = ptr<const float>(a[0]);
  e.activation = static_cast<Activation>(static_cast<int>(a[1]));
  e.slope = static_cast<float>(a[2]);
  e.slopes = ptr<const float>(a[3]);
  e.pre = ptr<float>(a[4]);
  e.saved = ptr<const float>(a[5]);
  e.residual = ptr<const float>(a[6]);
  return e;
}

static inline double address_of(const void* p) { return static_cast<double>(reinterpret_cast<uintptr_t>(p)); }

/// Arguments of `gemm`: the 13 of a product, the 7 of an epilogue, packed B.
constexpr int kProductWords = 21;

/// The command of a product.
static inline void write_product(const GemmArgs& g, double (&words)[kProductWords]) {
  const Epilogue nothing;
  const Epilogue& e = g.epilogue ? *g.epilogue : nothing;
  const double all[] = {
      static_cast<double>(g.m), static_cast<double>(g.n), static_cast<double>(g.k), address_of(g.a),
      static_cast<double>(g.lda), g.transpose_a ? 1.0 : 0.0, address_of(g.b), static_cast<double>(g.ldb),
      g.transpose_b ? 1.0 : 0.0, address_of(g.c), static_cast<double>(g.ldc), g.alpha, g.accumulate ? 1.0 : 0.0,
      address_of(e.bias), static_cast<double>(static_cast<int>(e.activation)), e.slope, address_of(e.slopes),
      address_of(e.pre), address_of(e.saved), address_of(e.residual),
      g.blocks ? address_of(g.blocks) + 1 : address_of(g.packed_b)};
  __builtin_memcpy(words, all, sizeof all);
}

using Product = void (*)(Context&, const GemmArgs&);

/// gemm: the words of `write_product`, 0 where nothing is packed.
static inline void run_product(Context& context, const double* a, Product run) {
  GemmArgs g = read_product(a);
  const Epilogue e = read_epilogue(a + 13);
  if (e.bias || e.activation != Activation::linear || e.pre || e.residual) g.epilogue = &e;
  g.read_packed(a[20]);
  run(context, g);
}

/// gemm_batched: count, stride_a, stride_b, stride_c, the 13 of a product, the 7 of an epilogue. Product i works on
/// a + i stride_a, b + i stride_b and c (and the epilogue's matrices) + i stride_c; a stride of 0 shares an operand.
/// @param serial on this thread, @param threaded on the environment's threads
static inline void run_products(Context& context, const double* a, Product serial, Product threaded) {
  const int64_t count = static_cast<int64_t>(a[0]), stride_a = static_cast<int64_t>(a[1]),
                stride_b = static_cast<int64_t>(a[2]), stride_c = static_cast<int64_t>(a[3]);
  const GemmArgs g = read_product(a + 4);
  const Epilogue e = read_epilogue(a + 17);
  const auto one = [&](int64_t i, Product run) {
    GemmArgs here = g;
    Epilogue end = e;
    here.a += i * stride_a;
    here.b += i * stride_b;
    here.c += i * stride_c;
    if (end.pre) end.pre += i * stride_c;
    if (end.saved) end.saved += i * stride_c;
    if (end.residual) end.residual += i * stride_c;
    here.epilogue = &end;
    run(context, here);
  };
  const double flops = 2.0 * g.m * g.n * g.k;
  // whole products to threads when there are enough of them, else the threads share each
  if (count >= 4 * thread_count(context) || flops < 1e6) {
    const int64_t grain = static_cast<int64_t>(600e3 / (flops + 1));
    return parallel_for(context, count, grain < 1 ? 1 : grain, [&](int64_t i0, int64_t i1) {
      for (int64_t i = i0; i < i1; i++) one(i, serial);
    });
  }
  for (int64_t i = 0; i < count; i++) one(i, threaded);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
